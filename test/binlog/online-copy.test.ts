import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCopyName, isLogName, loggedTable, namedCopy, sameColumns } from '../../src/binlog/sql/online-copy.ts';

const MYSQL = { sqlMode: 0, flavour: 'mysql' } as const;
const ANSI = { sqlMode: 4, flavour: 'mysql' } as const;

describe('names of online schema changes', () => {
  it('are told from others', () => {
    for (const [name, table] of [['_t_gho', 't'], ['_t_new', 't'], ['___t_new', 't'], ['__t_new', '_t'], [`_${'a'.repeat(59)}_gho`, 'a'.repeat(64)]] as const) assert.ok(isCopyName(name, table), name);
    for (const [name, table] of [['t_gho', 't'], ['_x_gho', 't'], ['_t_old', 't'], ['_at_new', 't'], ['_t_new', 't2'], ['_aaa_gho', 'aaaa'], ['_t_new', '_t']] as const) assert.ok(!isCopyName(name, table), name);
    assert.ok(isLogName('_t_ghc', 't') && isLogName('_t_ghk', 't') && !isLogName('_t_gho', 't'));
  });

  it('of a log need its columns as well', () => {
    assert.equal(loggedTable('_t_ghc', 'create table _t_ghc (id int, hint varchar(64), unique key hint_uidx(hint))', MYSQL), 't');
    assert.equal(loggedTable('_t_ghc', "create table _t_ghc (id int comment 'no such key') /* hint_uidx */", MYSQL), null);
    assert.equal(loggedTable('t_ghc', 'create table t_ghc (hint int, key hint_uidx (hint))', MYSQL), null);
  });

  it('are found in a trigger', () => {
    assert.equal(namedCopy('CREATE TRIGGER x AFTER DELETE ON `s`.`t` FOR EACH ROW DELETE FROM `s`.`__t_new` WHERE id <=> OLD.id', MYSQL, 't'), '__t_new');
    assert.equal(namedCopy("CREATE TRIGGER x AFTER DELETE ON t FOR EACH ROW INSERT INTO log VALUES ('_t_new')", MYSQL, 't'), null);
  });
});

describe('two CREATE TABLE', () => {
  const shown = 'CREATE TABLE `t` (\n  `id` int NOT NULL,\n  `v` varchar(9) DEFAULT \'a)\' /*!80023 INVISIBLE */,\n  PRIMARY KEY (`id`),\n  CONSTRAINT `fk` FOREIGN KEY (`id`) REFERENCES `p` (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=7';
  it('have the same columns in other white space, under other names of constraints, with other options', () => {
    assert.ok(sameColumns(shown, MYSQL, shown.replace('`t`', '`s`.`_t_new`').replace('`fk`', '`_fk`').replace(/\s+/g, ' ').replace('InnoDB AUTO_INCREMENT=7', 'ROCKSDB'), MYSQL));
    assert.ok(sameColumns(shown, MYSQL, shown.replaceAll('`', '"'), ANSI));
  });

  it('differ in a type, a default, a key, or the end', () => {
    for (const [from, to] of [['int', 'bigint'], ["'a)'", "'b'"], ['PRIMARY KEY', 'UNIQUE KEY'], ['`p`', '`q`'], [') ENGINE', ' ENGINE'], ['/*!80023 INVISIBLE */', '']] as const) assert.ok(!sameColumns(shown, MYSQL, shown.replace(from, to), MYSQL), to);
  });
});
