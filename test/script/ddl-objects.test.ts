import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quoteName } from '../../src/core/identifiers.ts';
import { formatPosition } from '../../src/core/position.ts';
import { allObjects, shownObjects } from '../support/objects.ts';
import { objectsKnown } from '../support/objects-known.ts';
import { Scene, applyWithClient, query } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';
import { applyWithMysql } from '../support/any-server.ts';

async function made(scene: Scene, ...args: string[]): Promise<string> {
  const script = await scene.cli('script', '--database', scene.schema, ...args);
  assert.equal(script.status, 0, script.stderr);
  return script.stdout;
}

const ALLOWED = ['--allow', 'nonatomic', '--allow', 'dataloss'];

for (const source of sources()) describe(`scripts over DDL on objects without rows on ${source.kind}`, () => {
  const mariadb = source.flavour === 'mariadb';
  const clients = mariadb ? [applyWithClient] : [applyWithClient, applyWithMysql];

  it('undo each kind from what it was, with every stock client', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    for (const sql of allObjects(source.flavour)) await scene.db.query(sql);
    await using daemon = await scene.startDaemon();
    await daemon.logged('objects_read');
    const statements = [
      'DROP VIEW v', 'CREATE OR REPLACE VIEW v AS SELECT 1 AS one', 'ALTER VIEW v AS SELECT 2 AS two', 'CREATE VIEW w AS SELECT 1 AS one', 'RENAME TABLE v TO x',
      'DROP PROCEDURE p', "ALTER PROCEDURE p COMMENT 'another' SQL SECURITY INVOKER READS SQL DATA", 'CREATE PROCEDURE q() BEGIN SELECT 1; SELECT 2; END',
      'DROP FUNCTION f', "ALTER FUNCTION f COMMENT 'it''s' ", 'CREATE FUNCTION g() RETURNS INT DETERMINISTIC RETURN 1',
      'DROP EVENT e', 'ALTER EVENT e RENAME TO e2', "ALTER EVENT e ON SCHEDULE EVERY 3 HOUR ENABLE COMMENT 'new' DO SELECT 3", 'CREATE EVENT e3 ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1',
      'DROP TRIGGER t2', 'DROP TRIGGER t1', 'CREATE TRIGGER t4 BEFORE INSERT ON t FOR EACH ROW PRECEDES t1 SET NEW.v = 4',
      'ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_german1_ci',
      ...(mariadb ? [
        'DROP SEQUENCE s', 'ALTER SEQUENCE s INCREMENT BY 7 MAXVALUE 1000 CYCLE', 'DROP TABLE s', 'CREATE OR REPLACE SEQUENCE s START WITH 9', 'CREATE SEQUENCE s2', 'CREATE OR REPLACE PROCEDURE p() SELECT 9',
        'CREATE OR REPLACE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 9', 'CREATE OR REPLACE EVENT e ON SCHEDULE EVERY 9 DAY DO SELECT 9', 'CREATE OR REPLACE TRIGGER t2 BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 9',
        "ALTER DATABASE COMMENT 'shop'",
      ] : []),
    ];
    const was = await shownObjects(scene.db, scene.schema);
    for (const [i, sql] of statements.entries()) {
      await objectsKnown(scene);
      const start = await scene.reached();
      await scene.db.query(sql);
      await objectsKnown(scene);
      assert.notDeepEqual(await shownObjects(scene.db, scene.schema), was, sql);
      const script = await made(scene, '--start-position', start, '--exclude-table', `${scene.schema}.warm`, ...ALLOWED);
      const run = await clients[i % clients.length]!(source, script);
      assert.equal(run.status, 0, `${sql}\n${run.stderr}\n${script}`);
      assert.deepEqual(await shownObjects(scene.db, scene.schema), was, `${sql}\n${script}`);
      // A second time its own look stops it.
      const again = await applyWithClient(source, script, ['--force']);
      assert.match(again.stderr, /part 1: not as it was left, stopped/, `${sql}\n${script}`);
      assert.doesNotMatch(again.stdout, /part \d+ done/);
      assert.deepEqual(await shownObjects(scene.db, scene.schema), was, sql);
    }
    await daemon.stop();
  });

  it('look before they do anything: what was altered or taken meanwhile stays as it is', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    for (const sql of allObjects(source.flavour)) await scene.db.query(sql);
    await using daemon = await scene.startDaemon();
    await daemon.logged('objects_read');
    const rivals: readonly (readonly [string, string])[] = [
      ['CREATE VIEW w AS SELECT 1 AS one', 'CREATE OR REPLACE VIEW w AS SELECT 2 AS one'], ['DROP VIEW v', 'CREATE TABLE v (id INT)'],
      ['CREATE PROCEDURE q() SELECT 1', 'DROP PROCEDURE q; CREATE PROCEDURE q() SELECT 2'], ['DROP PROCEDURE p', 'CREATE PROCEDURE p() SELECT 2'],
      ["ALTER FUNCTION f COMMENT 'one'", "ALTER FUNCTION f COMMENT 'two'"], ['CREATE EVENT e3 ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1', 'ALTER EVENT e3 ON SCHEDULE EVERY 2 DAY'],
      ['DROP EVENT e', 'CREATE EVENT E ON SCHEDULE EVERY 5 DAY DISABLE DO SELECT 5'], ['CREATE TRIGGER t4 BEFORE DELETE ON t FOR EACH ROW SET @a = 1', 'DROP TRIGGER t4; CREATE TRIGGER t4 BEFORE DELETE ON t FOR EACH ROW SET @a = 2'],
      ['DROP TRIGGER u1', 'CREATE TRIGGER u1 AFTER DELETE ON t FOR EACH ROW SET @a = 2'], ['ALTER DATABASE CHARACTER SET latin1', 'ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'],
      ...(mariadb ? [['CREATE SEQUENCE s2', 'ALTER SEQUENCE s2 INCREMENT BY 5'], ['DROP SEQUENCE s', 'CREATE SEQUENCE s']] as const : []),
    ];
    for (const [sql, rival] of rivals) {
      await objectsKnown(scene);
      const start = await scene.reached();
      await scene.db.query(sql);
      await objectsKnown(scene);
      const script = await made(scene, '--start-position', start, '--exclude-table', `${scene.schema}.warm`, ...ALLOWED);
      await scene.db.query(rival);
      const theirs = await shownObjects(scene.db, scene.schema);
      for (const args of [[], ['--force']]) {
        const run = await applyWithClient(source, script, args);
        assert.match(run.stderr, /part 1: not as it was left, stopped/, `${sql}\n${script}`);
        assert.deepEqual(await shownObjects(scene.db, scene.schema), theirs, `${sql} ${args.join()}`);
      }
    }
    await daemon.stop();
  });

  it('are refused where later DDL stays or the definition is not known, and leave alone what other filters mean', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    for (const sql of allObjects(source.flavour)) await scene.db.query(sql);
    await scene.db.query('CREATE TABLE other (id INT PRIMARY KEY) ENGINE=InnoDB');
    const first = await scene.startDaemon();
    await first.logged('objects_read');
    await objectsKnown(scene);
    const start = await scene.reached();
    await scene.db.query('ALTER VIEW v AS SELECT 2 AS two');
    await objectsKnown(scene);
    const stop = await scene.reached();
    await scene.db.query('DROP VIEW v');
    await scene.caughtUp();
    const refused = await scene.cli('script', '--database', scene.schema, '--start-position', start, '--stop-position', stop, ...ALLOWED);
    assert.equal(refused.status, 3);
    assert.match(refused.stderr, /NOT_UNDOABLE: ALTERVIEW of \S+\.v at \S+ cannot be undone: DROPVIEW of \S+\.v at \S+ came after it and is not undone/);
    // Between two DDLs that the daemon met late, what a view was is not known.
    await first.stop();
    const late = formatPosition(await scene.position());
    await scene.db.query('CREATE VIEW brief AS SELECT 1 AS one; DROP VIEW brief; DROP TRIGGER IF EXISTS nothing; INSERT INTO other VALUES (1); DROP TRIGGER u1');
    await using daemon = await scene.startDaemon();
    await scene.caughtUp();
    const range = ['--start-position', late, '--allow', 'nonatomic'];
    const unknown = await scene.cli('script', '--database', scene.schema, ...range);
    assert.equal(unknown.status, 3);
    assert.match(unknown.stderr, /NOT_UNDOABLE: DROPVIEW of \S+\.brief at \S+ is not undone: it cannot be undone: what the view was before is not known/);
    // What is not selected bears on nothing: a trigger goes by its table, also where it is dropped.
    const others = await made(scene, ...range, '--table', `${scene.schema}.other`);
    assert.doesNotMatch(others, /TRIGGER|VIEW/);
    const ofTable = await made(scene, ...range, '--table', `${scene.schema}.t`);
    assert.match(ofTable, /CREATE .*TRIGGER `\w+`\.`u1`/);
    assert.doesNotMatch(ofTable, /VIEW|DELETE FROM/);
    assert.equal((await applyWithClient(source, ofTable)).status, 0);
    const [found] = await query(scene.db, "SELECT COUNT(*) AS n FROM information_schema.triggers WHERE trigger_schema = ? AND trigger_name = 'u1'", [scene.schema]);
    assert.equal(Number(found?.n), 1);
    if (mariadb) {
      const packages = await scene.reached();
      await scene.db.query("SET SESSION sql_mode = 'ORACLE'; CREATE PACKAGE pk AS PROCEDURE one; END; SET SESSION sql_mode = 'STRICT_ALL_TABLES'");
      await scene.caughtUp();
      assert.match((await scene.cli('script', '--database', scene.schema, '--start-position', packages, '--allow', 'nonatomic')).stderr, /NOT_UNDOABLE: CREATEPACKAGE of \S+\.pk at \S+ is not undone/);
    }
    await daemon.stop();
  });

  it('bring a dropped database back, object by object, with what was done before and behind it', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    const lost = `${scene.schema}_two`;
    const inside = quoteName(lost);
    await scene.db.query(`CREATE TABLE warm (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE keep (id INT PRIMARY KEY, v INT) ENGINE=InnoDB; INSERT INTO keep VALUES (1, 1), (2, 2);
      CREATE DATABASE ${inside} CHARACTER SET latin1; USE ${inside}`);
    for (const sql of allObjects(source.flavour)) await scene.db.query(sql);
    // Names in whose order a view would come before what it selects from.
    await scene.db.query(`CREATE TABLE child (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES t (id)) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1); INSERT INTO child VALUES (1, 1);
      CREATE VIEW z AS SELECT * FROM v; CREATE VIEW a AS SELECT * FROM z; USE ${quoteName(scene.schema)}`);
    try {
      await using daemon = await scene.startDaemon({ BINLOG_UNDO_INCLUDE_DATABASE: `${scene.schema},${lost}` });
      await daemon.logged('objects_read');
      await objectsKnown(scene);
      const whole = async (): Promise<unknown> => {
        await scene.db.query(`USE ${inside}`);
        const shown = await shownObjects(scene.db, lost);
        await scene.db.query(`USE ${quoteName(scene.schema)}`);
        return [shown, await query(scene.db, 'SELECT * FROM keep ORDER BY id')];
      };
      const was = await whole();
      const start = await scene.reached();
      await scene.db.query(`UPDATE keep SET v = 5 WHERE id = 1; UPDATE ${inside}.t SET v = 9; ALTER TABLE ${inside}.child ADD COLUMN e INT; DROP DATABASE ${inside}; DELETE FROM keep WHERE id = 2;
        CREATE DATABASE ${inside}; CREATE TABLE ${inside}.t (other INT) ENGINE=InnoDB; INSERT INTO ${inside}.t VALUES (7); CREATE VIEW ${inside}.v AS SELECT 1 AS one; INSERT INTO keep VALUES (3, 3)`);
      const stop = await scene.reached();
      const both = ['--database', lost, '--start-position', start, '--stop-position', stop, '--exclude-table', `${scene.schema}.warm`];
      const refused = await scene.cli('script', '--database', scene.schema, ...both, '--allow', 'nonatomic');
      assert.equal(refused.status, 3);
      assert.match(refused.stderr, /NOT_UNDOABLE: DROPDB of database \S+_two at \S+ is undone without the rows of its tables; 1 operations before it are left out/);
      const script = await made(scene, ...both, ...ALLOWED);
      assert.match(script, /^-- WARNING NOT_UNDOABLE: DROPDB of database \S+ at \S+ is undone without the rows of its tables/m);
      const run = await clients.at(-1)!(source, script, ['--comments']);
      assert.equal(run.status, 0, `${run.stdout}${run.stderr}\n${script}`);
      assert.deepEqual(await whole(), was, script);
      for (const table of ['t', 'child', 'warm']) assert.deepEqual(await query(scene.db, `SELECT * FROM ${inside}.${table}`), [], 'its rows are lost');
      // One table alone cannot come back where its database does not: then it is data loss, as before.
      const alone = await scene.cli('script', '--table', `${lost}.t`, '--start-position', start, '--stop-position', stop, '--allow', 'nonatomic');
      assert.match(alone.stderr, /NOT_UNDOABLE/);
      await daemon.stop();
    } finally {
      await scene.db.query(`DROP DATABASE IF EXISTS ${inside}`);
    }
  });

  it('judge rows by the triggers that are there when they are undone', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await scene.db.query(`CREATE TABLE warm (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB; CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40)) ENGINE=InnoDB;
      INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)`);
    await using daemon = await scene.startDaemon();
    await daemon.logged('objects_read');
    await objectsKnown(scene);
    const content = async (): Promise<unknown> => [await query(scene.db, 'SELECT * FROM t ORDER BY id'), await query(scene.db, 'SELECT what FROM audit ORDER BY id'), await shownObjects(scene.db, scene.schema)];
    const was = await content();
    const start = await scene.reached();
    await scene.db.query(`INSERT INTO t VALUES (4, 4); CREATE TRIGGER gone AFTER DELETE ON t FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('gone ', OLD.id));
      CREATE TRIGGER came BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 10 * NEW.v`);
    await objectsKnown(scene);
    await scene.db.query('INSERT INTO t VALUES (5, 5); DELETE FROM t WHERE id = 1; DROP TRIGGER came');
    await objectsKnown(scene);
    await scene.db.query('DROP TRIGGER gone; DELETE FROM t WHERE id IN (2, 4); INSERT INTO t VALUES (6, 6)');
    const range = ['--start-position', start, '--stop-position', await scene.reached(), '--exclude-table', `${scene.schema}.warm`, '--allow', 'nonatomic'];
    const refused = await scene.cli('script', '--database', scene.schema, ...range);
    assert.equal(refused.status, 3);
    assert.match(refused.stderr, /TRIGGERS_WOULD_FIRE: \S+\.t has triggers that the script would fire: came, gone/);
    const script = await made(scene, ...range, '--triggers', 'skip');
    const run = await applyWithClient(source, script);
    assert.equal(run.status, 0, `${run.stderr}\n${script}`);
    assert.deepEqual(await content(), was, script);
    // Where none is there by then, nothing is refused, and nothing fires.
    const plain = await scene.reached();
    await scene.db.query('UPDATE t SET v = 7 WHERE id = 1; CREATE TRIGGER before_update BEFORE UPDATE ON t FOR EACH ROW SET NEW.v = 100');
    await objectsKnown(scene);
    const undo = await made(scene, '--start-position', plain, '--exclude-table', `${scene.schema}.warm`, '--allow', 'nonatomic');
    assert.equal((await applyWithClient(source, undo)).status, 0);
    assert.deepEqual(await content(), was, undo);
    // Triggers go with a table that is renamed: rows before that meet them under its earlier name.
    await scene.db.query('CREATE TRIGGER stays BEFORE UPDATE ON t FOR EACH ROW SET NEW.v = 100');
    await objectsKnown(scene);
    const renamed = await scene.reached();
    await scene.db.query('UPDATE t SET id = 11 WHERE id = 1; RENAME TABLE t TO u');
    await scene.caughtUp();
    const fires = await scene.cli('script', '--database', scene.schema, '--start-position', renamed, '--exclude-table', `${scene.schema}.warm`, '--allow', 'nonatomic');
    assert.match(fires.stderr, /TRIGGERS_WOULD_FIRE: \S+\.t has triggers that the script would fire: stays/);
    const skipped = await scene.cli('script', '--database', scene.schema, '--start-position', renamed, '--exclude-table', `${scene.schema}.warm`, '--allow', 'nonatomic', '--triggers', 'skip');
    assert.match(skipped.stderr, /TRIGGERS_WOULD_FIRE: \S+\.t has triggers \(stays\), and its rows cannot be put back as row events: the table was altered or renamed since/);
    await daemon.stop();
  });
});
