import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Scene } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

/** Whether rows without all of their columns can be undone is for the projection to find out, a moment behind the log. */
for (const source of sources()) it(`a script waits for the projection's word on partial row images of ${source.kind}`, async () => {
  await using scene = await Scene.open(source, backup(source.flavour));
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT DEFAULT 7)');
  const before = await scene.fingerprint();
  await using first = await scene.startDaemon({ BINLOG_UNDO_PROJECTION_ENABLED: 'false' });
  await scene.db.query("SET SESSION binlog_row_image = 'MINIMAL'; INSERT INTO t (id) VALUES (1), (2)");
  await scene.caughtUp({ projected: false });
  await first.stop();
  assert.deepEqual((await scene.operations()).map(({ state }) => state), ['partial']);
  const script = (wait: string): ReturnType<Scene['cli']> => scene.cli('script', '--table', `${scene.schema}.t`, '--wait', wait);
  const refused = await script('0');
  assert.equal(refused.status, 3, refused.stderr);
  assert.match(refused.stderr, /GAP_IN_RANGE.*the projection has not judged/);
  const waiting = script('600');
  await using second = await scene.startDaemon();
  const { status, stdout, stderr } = await waiting;
  assert.equal(status, 0, stderr);
  const applied = await scene.apply(stdout);
  assert.equal(applied.status, 0, applied.stderr);
  assert.deepEqual(await scene.fingerprint(), before);
  await second.stop();
});
