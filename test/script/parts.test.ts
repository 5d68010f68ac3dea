import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { Scene, applyWithClient, query, type Row } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

async function made(scene: Scene, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await scene.cli('script', '--source', scene.alias, ...args);
  assert.equal(status, 0, stderr);
  return stdout;
}

const rows = (scene: Scene): Promise<Row[]> => query(scene.db, 'SELECT * FROM t ORDER BY id');

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  describe(`scripts in parts, and whole rows as a guard, for ${source.kind}`, () => {
    it('stop at the first part that does not fit, and go on from there', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, n INT, m INT) ENGINE=InnoDB; INSERT INTO t VALUES ${Array.from({ length: 7 }, (_, i) => `(${i + 1}, ${i}, 0)`).join()}`);
      const before = await rows(scene);
      const start = formatPosition(await scene.position());
      await scene.db.query('UPDATE t SET n = n + 100 WHERE id <= 2; UPDATE t SET n = n + 100 WHERE id IN (3, 4); DELETE FROM t WHERE id = 5');
      const harm = await rows(scene);
      const stop = formatPosition(await scene.position());
      await scene.caughtUp();
      const range = ['--start-position', start, '--stop-position', stop];
      const split = [...range, '--atomic', 'false'];
      const text = await made(scene, ...split);
      assert.match(text, /^-- WARNING The script is not atomic: each transaction undone/m);
      // The second of three is in the way.
      await scene.db.query('UPDATE t SET n = 7 WHERE id = 4');
      for (const args of [[], ['--force']]) {
        const result = await applyWithClient(source, args.length === 0 ? text : await made(scene, ...split, '--from-part', '2'), args);
        assert.match(result.stderr, /part 2 and what follows are not committed/);
        assert.doesNotMatch(result.stdout, /part 3 committed/);
        assert.deepEqual(await rows(scene), [...harm.slice(0, 3), { id: 4, n: 7, m: 0 }, before[4]!, ...harm.slice(4)]);
      }
      await scene.db.query('UPDATE t SET n = 103 WHERE id = 4');
      const rest = await applyWithClient(source, await made(scene, ...split, '--from-part', '2'));
      assert.equal(rest.status, 0, rest.stderr);
      assert.match(rest.stdout, /part 2 committed, 2 rows undone[\s\S]*part 3 committed, 2 rows undone/);
      assert.deepEqual(await rows(scene), before);
      const beyond = await applyWithClient(source, await made(scene, ...split, '--from-part', '4'));
      assert.match(beyond.stderr, /there are 3 parts only/);
      const open = await scene.cli('script', '--source', scene.alias, '--start-position', start, '--atomic', 'false', '--from-part', '2');
      assert.match(open.stderr, /^binlog-undo: USAGE: --from-part needs a stop/);

      // By rows, also inside one transaction; every part has the mark.
      const again = formatPosition(await scene.position());
      await scene.db.query('UPDATE t SET m = id');
      const end = formatPosition(await scene.position());
      await scene.caughtUp();
      const chunks = ['--start-position', again, '--stop-position', end, '--chunk-rows', '3'];
      const chunked = await made(scene, ...chunks);
      const [, id = ''] = /rollback script ([0-9a-f]{16})/.exec(chunked) ?? [];
      assert.equal(chunked.match(new RegExp(`999999 binlog-undo:${id}`, 'g'))?.length, 3);
      await scene.db.query('UPDATE t SET m = 50 WHERE id = 3');
      assert.match((await applyWithClient(source, chunked)).stderr, /part 2 and what follows/);
      assert.deepEqual((await rows(scene)).map(({ m }) => m), [1, 2, 50, 4, 0, 0, 0]);
      await scene.db.query('UPDATE t SET m = 3 WHERE id = 3');
      const finished = await applyWithClient(source, await made(scene, ...chunks, '--from-part', '2'));
      assert.equal(finished.status, 0, finished.stderr);
      assert.deepEqual(await rows(scene), before);
      await scene.caughtUp();
      const back = await scene.apply(await made(scene, '--script', id));
      assert.equal(back.status, 0, back.stderr);
      assert.deepEqual((await rows(scene)).map(({ m }) => m), [0, 0, 0, 0, 5, 6, 7], 'the part that was committed under that id');
    });

    it('a whole row as the guard minds changes of other columns', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query("CREATE TABLE t (id INT PRIMARY KEY, n INT, m VARCHAR(10) COLLATE utf8mb4_general_ci, x FLOAT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1, 'a', -0.0), (2, 2, NULL, 0.1)");
      const start = formatPosition(await scene.position());
      await scene.db.query('UPDATE t SET n = n * 10');
      const whole = await made(scene, '--start-position', start, '--guard', 'row');
      const columns = await made(scene, '--start-position', start);
      // Equal for the collation, not byte for byte.
      await scene.db.query("UPDATE t SET m = 'A' WHERE id = 1");
      for (const args of [[], ['--force']]) {
        assert.match((await applyWithClient(source, whole, args)).stderr, /rows have changed since, nothing is committed/);
        assert.deepEqual((await rows(scene)).map(({ n }) => n), [10, 20]);
      }
      await scene.db.query("UPDATE t SET m = 'a' WHERE id = 1");
      const applied = await scene.apply(whole);
      assert.equal(applied.status, 0, applied.stderr);
      await scene.db.query("UPDATE t SET n = n * 10; UPDATE t SET m = 'A' WHERE id = 1");
      assert.equal((await scene.apply(columns)).status, 0);
      assert.deepEqual((await rows(scene)).map(({ n }) => n), [1, 2]);
    });
  });
});
