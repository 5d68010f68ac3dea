import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { databaseOptions } from '../../src/binlog/sql/database-options.ts';
import { renameSchemas, requalify } from '../../src/binlog/sql/requalify.ts';
import { sqlModeBits } from '../../src/binlog/sql/classify.ts';

const dialect = { flavour: 'mariadb', sqlMode: 0, schema: 'shop' } as const;
const home = (schema: string): string => ({ shop: 'scratch_1', other: 'scratch_2' })[schema] ?? 'scratch_3';
const text = (sql: string, sqlMode = 0): string => {
  const result = requalify(sql, { ...dialect, sqlMode }, home);
  return 'text' in result ? result.text : `refused: ${result.refused}`;
};

describe('DDL for the scratch schema', () => {
  for (const [sql, expected] of [
    ['ALTER TABLE t ADD COLUMN v INT', 'ALTER TABLE `scratch_1`.`t` ADD COLUMN v INT'],
    ['/* a */ alter table other . `t``x` -- why\n rename as u;', 'alter table `scratch_2`.`t``x` rename as `scratch_1`.`u`'],
    ['RENAME TABLE a TO b, other.c TO a', 'RENAME TABLE `scratch_1`.`a` TO `scratch_1`.`b`, `scratch_2`.`c` TO `scratch_1`.`a`'],
    ['CREATE TABLE t LIKE other.x', 'CREATE TABLE `scratch_1`.`t` LIKE `scratch_2`.`x`'],
    ['CREATE UNIQUE INDEX other ON t (a(5))', 'CREATE UNIQUE INDEX other ON `scratch_1`.`t` (a(5))'],
    ['DROP INDEX i ON other.t', 'DROP INDEX i ON `scratch_2`.`t`'],
    ["CREATE TABLE t (a INT /*! COMMENT 'x' */, b DECIMAL(5,2) DEFAULT 1.5, c BLOB DEFAULT X'41', d DOUBLE DEFAULT .5e-1)",
      "CREATE TABLE `scratch_1`.`t` (a INT COMMENT 'x' , b DECIMAL(5,2) DEFAULT 1.5, c BLOB DEFAULT X'41', d DOUBLE DEFAULT .5e-1)"],
    ['CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES p (id), FOREIGN KEY (a) REFERENCES other.p (id)) ENGINE=InnoDB',
      'CREATE TABLE `scratch_1`.`t` (a INT, FOREIGN KEY (a) REFERENCES `scratch_1`.`p` (id), FOREIGN KEY (a) REFERENCES `scratch_2`.`p` (id)) ENGINE=InnoDB'],
    ['ALTER TABLE other.t ADD FOREIGN KEY (a) REFERENCES p (id)', 'ALTER TABLE `scratch_2`.`t` ADD FOREIGN KEY (a) REFERENCES `scratch_2`.`p` (id)'],
    ['CREATE TABLE t (a INT, CHECK (t.a > 0))', 'CREATE TABLE `scratch_1`.`t` (a INT, CHECK (t.a > 0))'],
    ['CREATE TABLE `t` (\n  `a` int\n) START TRANSACTION', 'CREATE TABLE `scratch_1`.`t` ( `a` int )'],
    ['SET STATEMENT lock_wait_timeout = 5, max_statement_time=(1+1) FOR ALTER TABLE t FORCE', 'ALTER TABLE `scratch_1`.`t` FORCE'],
    ['ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u', 'ALTER TABLE `scratch_1`.`t` EXCHANGE PARTITION p WITH TABLE `scratch_1`.`u`'],
  ] as const) it(`names only tables of scratch schemas: ${sql.slice(0, 60)}`, () => assert.equal(text(sql), expected));

  it('reads quotes as the session did', () => {
    assert.equal(text('ALTER TABLE "t" COMMENT \'a\\\', ADD v INT', sqlModeBits.ANSI_QUOTES | sqlModeBits.NO_BACKSLASH_ESCAPES), "ALTER TABLE `scratch_1`.`t` COMMENT 'a\\', ADD v INT");
  });

  for (const sql of [
    'CREATE TABLE t SELECT * FROM mysql.user', 'CREATE TABLE t AS SELECT 1', 'CREATE TABLE t (a INT) AS (SELECT 1 AS a)', 'CREATE TABLE t TABLE u', 'CREATE TABLE t (a INT DEFAULT (SELECT 1))',
    'DROP TABLE t', 'TRUNCATE TABLE t', 'DROP DATABASE shop', 'CREATE DATABASE x', 'CREATE VIEW v AS SELECT 1', "GRANT ALL ON *.* TO 'x'@'%'", "CREATE USER 'x'@'%'", 'INSERT INTO t VALUES (1)', 'CALL p()',
    'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1', 'ALTER TABLE t FORCE; DROP TABLE binlog_undo.blocks', 'CREATE TEMPORARY TABLE t (a INT)', 'RENAME TABLE a', 'CREATE SEQUENCE s',
    'SET STATEMENT sql_log_bin = 1 FOR ALTER TABLE t FORCE', 'SET STATEMENT max_statement_time = 1, old_mode = 5 FOR ALTER TABLE t FORCE',
    "CREATE TABLE t (a INT) ENGINE=FEDERATED CONNECTION='mysql://a@b/c/d'", "CREATE TABLE t (a INT) ENGINE CONNECT TABLE_TYPE=CSV FILE_NAME='/etc/passwd'", "ALTER TABLE t ENGINE='SPIDER'", 'ALTER TABLE t ENGINE = MRG_MyISAM UNION = (binlog_undo.blocks)',
    "CREATE TABLE t (a INT) DATA DIRECTORY='/tmp'", 'ALTER TABLE t TABLESPACE ts', 'ALTER TABLE t IMPORT TABLESPACE', 'CREATE TABLE t (a INT DEFAULT binlog_undo.f())', 'CREATE TABLE t (a INT CHECK (other.t.a > 0))', 'CREATE TABLE t (a INT AS (`shop`.`t`.`b`))',
    'CREATE TABLE t (a INT DEFAULT @x)', "CREATE TABLE t (a INT DEFAULT (SLEEP(100)))", "CREATE TABLE t (a BLOB DEFAULT (LOAD_FILE('/etc/passwd')))", 'CREATE TABLE t (a INT DEFAULT NEXTVAL(s))', 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES (b)', "ALTER TABLE t COMMENT 'open",
    '/*! ALTER TABLE t FORCE',
  ]) it(`refuses what may reach further: ${sql.slice(0, 60)}`, () => assert.match(text(sql), /^refused: /));

  it('gives the schemas back their names in what the scratch server prints', () => {
    assert.equal(renameSchemas("CREATE TABLE `t` (`a` int COMMENT '`scratch_2`.`p`', CONSTRAINT `c` FOREIGN KEY (`a`) REFERENCES `scratch_2`.`scratch_2` (`a`))", 'mysql', new Map([['scratch_2', 'o`r']])),
      "CREATE TABLE `t` (`a` int COMMENT '`scratch_2`.`p`', CONSTRAINT `c` FOREIGN KEY (`a`) REFERENCES `o``r`.`scratch_2` (`a`))");
  });

  it('reads the character set of a database, or that it cannot be told', () => {
    const options = (sql: string) => databaseOptions(sql, dialect);
    assert.deepEqual(options("CREATE DATABASE d DEFAULT CHARACTER SET = Latin1 COLLATE 'latin1_bin'"), { characterSet: 'latin1', collation: 'latin1_bin' });
    assert.deepEqual(options("ALTER DATABASE COMMENT 'charset x'"), { characterSet: null, collation: null });
    assert.equal(options('ALTER DATABASE d CHARACTER SET DEFAULT'), null);
  });
});
