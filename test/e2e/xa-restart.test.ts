import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { Scene } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';
import { XA_BEGINS } from '../support/xa.ts';

for (const [index, source] of sources().entries()) describe(`a restart right after an XA COMMIT on ${source.kind}`, () => {
  // Its rows lie in an older block than those of the transactions that committed since its PREPARE.
  it('keeps the rows of what committed between PREPARE and COMMIT', async () => {
    await using scene = await Scene.open(source, backups()[index % backups().length]!);
    await scene.db.query("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO t VALUES (1, 'old'), (2, 'old')");
    const before = await scene.fingerprint();
    const start = formatPosition(await scene.position());
    await using first = await scene.startDaemon({ BINLOG_UNDO_START_POSITION: start });
    const branch = await scene.session();
    await branch.query(`${XA_BEGINS}; XA START '${scene.schema}'; UPDATE t SET v = 'branch' WHERE id = 1; XA END '${scene.schema}'; XA PREPARE '${scene.schema}'`);
    await scene.caughtUp();
    await scene.db.query("UPDATE t SET v = 'meanwhile' WHERE id = 2");
    await scene.caughtUp();
    await branch.query(`XA COMMIT '${scene.schema}'`);
    await branch.end();
    await scene.caughtUp();
    await first.kill();
    await using second = await scene.startDaemon();
    assert.equal(await scene.unpairedKeySets(), 0);
    const script = await scene.cli('script', '--start-position', start, '--database', scene.schema, '--wait', '100');
    assert.equal(script.status, 0, script.stderr);
    const applied = await scene.apply(script.stdout);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await scene.fingerprint(), before);
    await second.stop();
  });
});
