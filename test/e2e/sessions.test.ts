import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { Scene, query } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

for (const [index, source] of sources().entries()) describe(`two sessions at once on ${source.kind}`, () => {
  const told = source.kind !== 'mariadb-10.11';

  it('tells them apart by thread id, and by nothing else', async () => {
    await using scene = await Scene.open(source, backups()[index % backups().length]!);
    await scene.db.query("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four')");
    const start = await scene.position();
    await using daemon = await scene.startDaemon({ BINLOG_UNDO_START_POSITION: formatPosition(start) });
    const [good, bad] = [await scene.session(), await scene.session()];
    const thread = async (session: typeof good): Promise<number> => Number((await query(session, 'SELECT CONNECTION_ID() AS id'))[0]!.id);
    const [goodId, badId] = [await thread(good), await thread(bad)];
    await good.query('BEGIN');
    await bad.query('BEGIN');
    await good.query("UPDATE t SET v = 'good 1' WHERE id = 1");
    await bad.query("UPDATE t SET v = 'bad 2' WHERE id = 2");
    await good.query("INSERT INTO t VALUES (11, 'good')");
    await bad.query('DELETE FROM t WHERE id = 4');
    await bad.query('COMMIT');
    await good.query("UPDATE t SET v = 'good 3' WHERE id = 3");
    await good.query('COMMIT');
    await bad.query("INSERT INTO t VALUES (12, 'bad')");
    await good.query("INSERT INTO t VALUES (13, 'good')");
    const stop = await scene.position();
    await scene.caughtUp();
    const threads = (await scene.operations()).map((row) => Number(row.thread_id));
    assert.deepEqual(threads, told ? [badId, badId, goodId, goodId, goodId, badId, goodId] : Array<number>(7).fill(0));
    const script = await scene.cli('script', '--start-position', formatPosition(start), '--stop-position', formatPosition(stop),
      '--database', scene.schema, '--thread-id', String(badId));
    if (told) {
      assert.equal(script.status, 0, script.stderr);
      const applied = await scene.apply(script.stdout);
      assert.equal(applied.status, 0, applied.stderr);
    } else {
      // This server does not tell who it was: no guess, and no silence about it.
      assert.doesNotMatch(script.stdout, /^(INSERT|UPDATE|DELETE)/mi);
      assert.match(script.stderr, /thread/i);
    }
    const rows = (await query(scene.db, 'SELECT CONCAT(id, v) AS found FROM t ORDER BY id')).map((row) => row.found);
    const undone = ['1good 1', '2two', '3good 3', '4four', '11good', '13good'];
    assert.deepEqual(rows, told ? undone : ['1good 1', '2bad 2', '3good 3', '11good', '12bad', '13good']);
    await good.end();
    await bad.end();
    await daemon.stop();
  });
});
