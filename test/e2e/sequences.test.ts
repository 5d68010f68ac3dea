import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Scene, query } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

for (const source of sources().filter(({ flavour }) => flavour === 'mariadb')) describe(`sequences of ${source.kind}`, () => {
  it('are information: no gap, no operation to undo, no script refused for them', async () => {
    await using scene = await Scene.open(source, backup('mysql'));
    await using daemon = await scene.startDaemon();
    await scene.db.query('CREATE SEQUENCE s; CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (100, 1)');
    await scene.caughtUp();
    const start = await scene.position();
    await scene.db.query('INSERT INTO t SELECT NEXT VALUE FOR s, 5; UPDATE t SET v = NEXT VALUE FOR s; SELECT SETVAL(s, 5000)');
    await scene.caughtUp();
    const states = new Set((await scene.operations()).filter((row) => Number(row.ddl) === 0).map((row) => `${String(row.table_name)} ${String(row.state)}`));
    assert.deepEqual([...states].sort(), ['s sequence', 't captured']);
    assert.deepEqual(await scene.gaps(), []);
    const script = await scene.cli('script', '--start-position', `${start.file}:${start.offset}`, '--database', scene.schema);
    assert.equal(script.status, 0, script.stderr);
    const applied = await scene.apply(script.stdout);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await query(scene.db, 'SELECT * FROM t'), [{ id: 100, v: 1 }]);
    await daemon.stop();
  });
});
