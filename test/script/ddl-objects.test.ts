import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quoteName } from '../../src/core/identifiers.ts';
import { formatPosition } from '../../src/core/position.ts';
import { allObjects, shownObjects } from '../support/objects.ts';
import { objectsKnown } from '../support/objects-known.ts';
import { Scene, applyWithClient, query } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';
import { applyWithMysql } from '../support/any-server.ts';

const here = async (scene: Scene): Promise<string> => {
  await scene.caughtUp();
  return formatPosition(await scene.position());
};

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
      const start = await here(scene);
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
});
