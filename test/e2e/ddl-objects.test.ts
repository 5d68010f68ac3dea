import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { quoteName } from '../../src/core/identifiers.ts';
import { Scene, query, type Row } from '../support/scene.ts';
import { allObjects, shownObjects } from '../support/objects.ts';
import { objectsKnown } from '../support/objects-known.ts';
import { backup, connect, sources } from '../support/servers.ts';

async function ddl(scene: Scene, sql: string): Promise<Row> {
  await objectsKnown(scene);
  const before = (await scene.operations()).length;
  await scene.db.query(sql);
  await scene.caughtUp();
  const made = (await scene.operations()).slice(before).filter((row) => Number(row.ddl) === 1);
  assert.equal(made.length, 1, JSON.stringify(made));
  return made[0]!;
}

/** Statement by statement, as clients send them: MySQL would take a semicolon in front of more text into the body of a trigger. */
async function runUndo(scene: Scene, session: Connection, opid: Row[string] | undefined, table: Row[string] | undefined): Promise<void> {
  for (const { opid_time: of, rollback_statement: sql } of await scene.backupRows(String(table ?? '') || '$_$schema$_$')) {
    if (of === opid) await session.query(String(sql)).catch((error: unknown) => { throw new Error(`refused: ${String(sql)}`, { cause: error }); });
  }
}

for (const source of sources()) describe(`DDL on objects without rows on ${source.kind}`, () => {
  it('is undone from their earlier definitions', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    const mariadb = source.flavour === 'mariadb';
    for (const sql of allObjects(source.flavour)) await scene.db.query(sql);
    await using daemon = await scene.startDaemon();
    await daemon.logged('objects_read');
    await objectsKnown(scene);
    const was = await shownObjects(scene.db, scene.schema);
    const statements = [
      'DROP VIEW v', 'CREATE OR REPLACE VIEW v AS SELECT 1 AS one', 'ALTER VIEW v AS SELECT 2 AS two', 'CREATE VIEW w AS SELECT 1 AS one',
      'DROP PROCEDURE p', "ALTER PROCEDURE p COMMENT 'another' SQL SECURITY INVOKER READS SQL DATA", 'DROP PROCEDURE IF EXISTS P', 'CREATE PROCEDURE q() SELECT 1',
      'DROP FUNCTION f', "ALTER FUNCTION f COMMENT 'it''s' ",
      'DROP EVENT e', 'ALTER EVENT e RENAME TO e2', "ALTER EVENT e ON SCHEDULE EVERY 3 HOUR ENABLE COMMENT 'new' DO SELECT 3", 'ALTER EVENT e ENABLE',
      'DROP TRIGGER t2', 'DROP TRIGGER t1', 'DROP TRIGGER t3', 'CREATE TRIGGER t4 BEFORE INSERT ON t FOR EACH ROW PRECEDES t1 SET NEW.v = 4',
      'DROP TABLE t', 'ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_german1_ci',
      ...(mariadb ? [
        'DROP SEQUENCE s', 'ALTER SEQUENCE s INCREMENT BY 7 MAXVALUE 1000 CYCLE', 'DROP TABLE s', 'CREATE OR REPLACE SEQUENCE s START WITH 9', 'CREATE OR REPLACE PROCEDURE p() SELECT 9',
        'CREATE OR REPLACE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 9', 'CREATE OR REPLACE EVENT e ON SCHEDULE EVERY 9 DAY DO SELECT 9', 'CREATE OR REPLACE TRIGGER t2 BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 9',
        "ALTER DATABASE COMMENT 'shop'",
      ] : []),
    ];
    for (const sql of statements) {
      const { opid, state, ...rest } = await ddl(scene, sql);
      const [kept] = await scene.ledgerRows('SELECT remark FROM operations WHERE opid = ?', [String(opid)]);
      assert.equal(state, 'captured', `${sql}: ${JSON.stringify({ ...rest, ...kept })}`);
      assert.notDeepEqual(await shownObjects(scene.db, scene.schema), was, sql);
      const session = await scene.session();
      await session.query(`USE ${quoteName(mariadb ? 'information_schema' : 'mysql')}; SET SESSION sql_mode = 'STRICT_ALL_TABLES', collation_connection = utf8mb4_unicode_ci`);
      await runUndo(scene, session, opid, rest.table_name);
      await session.end();
      assert.deepEqual(await shownObjects(scene.db, scene.schema), was, sql);
    }
    for (const sql of ['DROP VIEW IF EXISTS nothing', 'DROP PROCEDURE IF EXISTS nothing', 'DROP EVENT IF EXISTS nothing', 'CREATE EVENT IF NOT EXISTS e ON SCHEDULE EVERY 1 DAY DO SELECT 1']) {
      await objectsKnown(scene);
      const before = (await scene.operations()).length;
      await scene.db.query(sql);
      await scene.caughtUp();
      // Not every server logs what had no effect.
      for (const made of (await scene.operations()).slice(before)) if (Number(made.ddl) === 1) assert.equal(made.state, 'no-effect', sql);
    }
    await daemon.stop();
  });

  it('is undone when the daemon was away, and when one DDL follows the other', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    for (const sql of allObjects(source.flavour)) await scene.db.query(sql);
    const first = await scene.startDaemon();
    await first.logged('objects_read');
    await objectsKnown(scene);
    const was = await shownObjects(scene.db, scene.schema);
    await first.stop();
    await scene.db.query(`DROP PROCEDURE p; CREATE PROCEDURE p() SELECT 1; DROP PROCEDURE p; CREATE PROCEDURE p() COMMENT 'second' SELECT 2; DROP VIEW v; DROP TRIGGER t2; DROP EVENT e;
      CREATE FUNCTION g() RETURNS INT DETERMINISTIC RETURN 1; DROP FUNCTION g; DROP TABLE t`);
    await using daemon = await scene.startDaemon();
    await scene.caughtUp();
    const session = await scene.session();
    await session.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES', collation_connection = utf8mb4_unicode_ci");
    for (const { opid, state, type, ddl: isDdl, ...rest } of (await scene.operations()).toReversed()) {
      if (Number(isDdl) === 0) continue;
      assert.equal(state, 'captured', String(type));
      await runUndo(scene, session, opid, rest.table_name);
    }
    await session.end();
    assert.deepEqual(await shownObjects(scene.db, scene.schema), was);
    await daemon.stop();
  });

  it('is told as unknown where the account sees no views, triggers and events, with the GRANT that helps', async () => {
    const user = `u${randomBytes(6).toString('hex')}`;
    await using scene = await Scene.open(source, backup(source.flavour), { env: { BINLOG_UNDO_SOURCE_USER: user, BINLOG_UNDO_SOURCE_PASSWORD: user } });
    for (const sql of allObjects(source.flavour)) await scene.db.query(sql);
    const more = source.flavour === 'mariadb' ? ', REPLICA MONITOR, REPLICATION MASTER ADMIN' : '';
    await scene.db.query(`CREATE USER '${user}'@'%' IDENTIFIED BY '${user}'; GRANT REPLICATION SLAVE, REPLICATION CLIENT, PROCESS, SELECT${more} ON *.* TO '${user}'@'%'`);
    try {
      const first = await scene.startDaemon();
      const { fix } = await first.logged('objects_hidden');
      assert.match(String(fix), new RegExp(`^GRANT SHOW VIEW, TRIGGER, EVENT ON \\*\\.\\* TO .*${user}`));
      await first.logged('objects_read');
      await scene.caughtUp();
      const before = (await scene.operations()).length;
      await scene.db.query("DROP VIEW v; DROP EVENT e; DROP TRIGGER t2; UPDATE t SET v = 1");
      await scene.caughtUp();
      assert.deepEqual((await scene.operations()).slice(before).map(({ type, state }) => [type, state]), [['DROPVIEW', 'definition-unknown'], ['DROPEVENT', 'definition-unknown'], ['DROPTRIGGER', 'definition-unknown']]);
      await first.stop();
      // As the line says.
      await scene.db.query(String(fix));
      await using daemon = await scene.startDaemon();
      await daemon.logged('objects_read');
      assert.equal(daemon.lines.some(({ event }) => event === 'objects_hidden'), false);
      await objectsKnown(scene);
      const was = await shownObjects(scene.db, scene.schema);
      const { opid, state, table_name: table } = await ddl(scene, 'DROP TRIGGER u1');
      assert.equal(state, 'captured');
      const session = await scene.session();
      await session.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES', collation_connection = utf8mb4_unicode_ci");
      await runUndo(scene, session, opid, table);
      await session.end();
      assert.deepEqual(await shownObjects(scene.db, scene.schema), was);
      await daemon.stop();
    } finally {
      await scene.db.query(`DROP USER '${user}'@'%'`);
    }
  });

  it('brings a dropped database back, with all that was in it but its rows', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    for (const sql of allObjects(source.flavour)) await scene.db.query(sql);
    await scene.db.query('CREATE TABLE child (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES t (id)) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1)');
    await using daemon = await scene.startDaemon();
    await daemon.logged('objects_read');
    await objectsKnown(scene);
    const was = await shownObjects(scene.db, scene.schema);
    const before = (await scene.operations()).length;
    await scene.db.query(`DROP DATABASE ${quoteName(scene.schema)}`);
    await scene.caughtUp();
    const made = (await scene.operations()).slice(before);
    assert.deepEqual(made.map(({ type, table_name: table, state }) => [type, table, state]),
      [['DROPVIEW', 'v', 'captured'], ['DROPTABLE', 'child', 'captured'], ['DROPTABLE', 't', 'captured'], ['DROPTABLE', 'warm', 'captured'], ['DROPDB', '', 'captured']]);
    const remarks = await scene.ledgerRows("SELECT remark FROM operations WHERE ordinal = ? AND type <> 'DROPVIEW'", [Number(made[0]!.ordinal)]);
    for (const { remark } of remarks) assert.match(String(remark), /^not brought back: .*rows/);
    assert.equal((await scene.information()).filter(({ sql_statement: sql }) => String(sql).startsWith('DROP DATABASE')).length, 5, 'one row for each operation');
    const other = await connect(source, { multipleStatements: true });
    await other.query("SET SESSION foreign_key_checks = 0, sql_mode = 'STRICT_ALL_TABLES', collation_connection = utf8mb4_unicode_ci");
    for (const { opid, table_name: table } of made.toReversed()) await runUndo(scene, other, opid, table);
    await other.end();
    await scene.db.query(`USE ${quoteName(scene.schema)}`);
    assert.deepEqual(await shownObjects(scene.db, scene.schema), was);
    await daemon.stop();
  });

  it('drops a created database in a script only while it is empty', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    const made = `${scene.schema}_made`;
    await using daemon = await scene.startDaemon({ BINLOG_UNDO_INCLUDE_DATABASE: `${scene.schema},${made}` });
    await scene.db.query('CREATE TABLE warm (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB');
    await scene.db.query(`CREATE DATABASE ${quoteName(made)}`);
    await scene.caughtUp();
    try {
      const script = await scene.cli('script', '--database', made, '--allow', 'nonatomic');
      assert.equal(script.status, 0, script.stderr);
      await scene.db.query(`CREATE VIEW ${quoteName(made)}.v AS SELECT 1 AS one`);
      const refused = await scene.apply(script.stdout);
      assert.match(refused.stderr, /1 objects in it, stopped/);
      await scene.db.query(`DROP VIEW ${quoteName(made)}.v`);
      const applied = await scene.apply(script.stdout);
      assert.equal(applied.status, 0, applied.stderr);
      const left = await query(scene.db, 'SELECT COUNT(*) AS n FROM information_schema.schemata WHERE schema_name = ?', [made]);
      assert.equal(Number(left[0]?.n), 0);
    } finally {
      await scene.db.query(`DROP DATABASE IF EXISTS ${quoteName(made)}`);
    }
    await daemon.stop();
  });
});
