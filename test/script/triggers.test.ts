import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { Scene, applyWithClient, query } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

const TABLES = `
  CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), n INT NOT NULL DEFAULT 0, d DOUBLE, j JSON, ts TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3));
  CREATE TABLE derived (id INT PRIMARY KEY, n INT, g INT GENERATED ALWAYS AS (n + 1) STORED, w INT AS (n + 2) VIRTUAL);
  CREATE TABLE keyless (v VARCHAR(20), n INT);
  CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what TEXT);
  CREATE TRIGGER t_before BEFORE UPDATE ON t FOR EACH ROW SET NEW.n = OLD.n + 1;
  CREATE TRIGGER t_gone AFTER DELETE ON t FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('deleted ', OLD.id));
  CREATE TRIGGER t_come AFTER INSERT ON t FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('inserted ', NEW.id));
  CREATE TRIGGER t_other AFTER UPDATE ON t FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('updated ', NEW.id));
  CREATE TRIGGER d_other BEFORE UPDATE ON derived FOR EACH ROW SET NEW.n = NEW.n * 10;
  CREATE TRIGGER k_come BEFORE INSERT ON keyless FOR EACH ROW SET NEW.n = IFNULL(NEW.n, 0) + 1;
  INSERT INTO t (id, v, n, d, j, ts) VALUES (1, 'one', 1, -0e0, '{"a": 1.0}', '2026-11-01 05:30:00.123'), (2, 'two', 2, 0.1, '[]', NULL), (3, NULL, 3, NULL, NULL, '2020-01-01');
  INSERT INTO derived (id, n) VALUES (1, 1), (2, NULL);
  INSERT INTO keyless VALUES ('x', 1), ('x', 1), ('X', 1), (NULL, NULL)`;
const CHANGES = `
  START TRANSACTION; UPDATE t SET v = 'other' WHERE id < 3; DELETE FROM t WHERE id = 3; INSERT INTO t (id, v) VALUES (4, 'four'), (5, 'five'); UPDATE t SET id = 30 WHERE id = 1; COMMIT;
  DELETE FROM keyless WHERE v = 'x' LIMIT 2; INSERT INTO keyless VALUES ('y', 5), ('y', 5); UPDATE keyless SET n = 9 WHERE v IS NULL;
  UPDATE derived SET n = n + 1; DELETE FROM derived WHERE id = 2; INSERT INTO derived (id, n) VALUES (3, 3)`;

for (const source of sources()) describe(`tables with triggers on ${source.kind}`, () => {
  it('are put back as row events, which fire none, and can be told and undone as a run of a script', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await using daemon = await scene.startDaemon();
    await scene.db.query(TABLES);
    await scene.caughtUp();
    const before = await scene.fingerprint();
    const start = await scene.position();
    await scene.db.query(CHANGES);
    const stop = await scene.position();
    const after = await scene.fingerprint();
    const script = (...args: string[]): ReturnType<Scene['cli']> => scene.cli('script', '--database', scene.schema, '--wait', '60', ...args);
    const range = ['--start-position', formatPosition(start), '--stop-position', formatPosition(stop)];

    // MariaDB 11.8 leaves generated columns out of images, and out of those that row events make.
    const derived = source.kind === 'mariadb-11.8' ? ['--exclude-table', `${scene.schema}.derived`] : [];
    const left = derived.length > 0 ? { derived: after.derived } : {};
    if (derived.length > 0) assert.match((await script(...range, '--triggers', 'skip')).stderr, /NOT_UNDOABLE.*derived.*their images lack columns/);
    const refused = await script(...range);
    assert.equal(refused.status, 3, refused.stderr);
    assert.match(refused.stderr, /TRIGGERS_WOULD_FIRE.*(?:d_other|t_before|k_come)/);
    assert.match(refused.stderr, /--triggers skip/);
    const undo = await script(...range, '--triggers', 'skip', ...derived);
    assert.equal(undo.status, 0, undo.stderr);
    assert.match(undo.stdout, /has triggers that do not fire: .*t_before/);
    // What the triggers wrote into a table without any is undone by statements.
    assert.match(undo.stdout, /^DELETE .*`audit`/m);
    const applied = await scene.apply(undo.stdout);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await scene.fingerprint(), { ...before, ...left });

    const [, id] = /rollback script (\w+),/.exec(undo.stdout)!;
    const redo = await script('--script', id!, '--triggers', 'skip');
    assert.equal(redo.status, 0, redo.stderr);
    assert.equal((await scene.apply(redo.stdout)).status, 0);
    assert.deepEqual(await scene.fingerprint(), after);
    await daemon.stop();
  });

  it('stay as they are when a row is not what it was, whatever the client does then, or when the account may not', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await using daemon = await scene.startDaemon();
    await scene.db.query(TABLES);
    await scene.caughtUp();
    const start = await scene.position();
    await scene.db.query(CHANGES);
    await scene.caughtUp();
    const stop = await scene.position();
    const script = (): ReturnType<Scene['cli']> => scene.cli(
      'script', '--database', scene.schema, '--wait', '60', '--triggers', 'skip', '--start-position', formatPosition(start), '--stop-position', formatPosition(stop));
    const { stdout } = await script();
    const stays = async (change: string, back: string): Promise<void> => {
      await scene.db.query(change);
      const found = await scene.fingerprint();
      for (const args of [[], ['--force']]) {
        await applyWithClient(source, stdout, args).then(({ stdout: said }) => assert.doesNotMatch(said, /: committed/));
        assert.deepEqual(await scene.fingerprint(), found, `${change} ${args.join('')}`);
      }
      await scene.db.query(back);
    };
    // A row event would find it by its key, or write over what nobody looked at.
    await stays("UPDATE t SET d = 5 WHERE id = 4", 'UPDATE t SET d = NULL, n = 0, ts = NULL WHERE id = 4');
    await stays("INSERT INTO t (id) VALUES (3)", 'DELETE FROM t WHERE id = 3');
    await stays('DELETE FROM t WHERE id = 2', 'DO 0');
    const user = `u${scene.schema.slice(-10)}`;
    await query(scene.db, `CREATE USER '${user}'@'%' IDENTIFIED BY 'undo-Pw-1'`);
    try {
      await query(scene.db, `GRANT ALL ON ${scene.schema}.* TO '${user}'@'%'`);
      if (source.flavour === 'mysql') await query(scene.db, `GRANT SELECT ON performance_schema.* TO '${user}'@'%'`);
      const found = await scene.fingerprint();
      const denied = await applyWithClient({ ...source, user, password: 'undo-Pw-1' }, stdout);
      assert.notEqual(denied.status, 0);
      assert.match(denied.stderr, /1227|Access denied/);
      assert.deepEqual(await scene.fingerprint(), found);
    } finally {
      await query(scene.db, `DROP USER '${user}'@'%'`);
    }
    await scene.db.query('ALTER TABLE t ADD COLUMN later INT');
    await scene.caughtUp();
    const altered = await script();
    assert.equal(altered.status, 3, altered.stderr);
    assert.match(altered.stderr, /TRIGGERS_WOULD_FIRE.*cannot be put back as row events: the table was altered/);
    await daemon.stop();
  });
});
