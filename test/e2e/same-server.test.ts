import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { SERVER_KINDS, startServer } from '../../deploy/provision/index.ts';
import { formatPosition } from '../../src/core/position.ts';
import { Scene, query } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** Seconds without a write of ours; a whole minute on one server, since heartbeats and leases have longer periods than others. */
const IDLE_SECONDS = { 'mysql-9.7': 60, 'mariadb-11.8': 15, 'mariadb-10.11': 15 } as const;

describe('the backup on the source itself', { concurrency: true }, () => {
  for (const kind of SERVER_KINDS) it(`leaves an idle ${kind} idle, and still knows how far the log reaches`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 64 });
    await using scene = await Scene.open(server, server, { everything: true });
    await scene.db.query("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1), (2, 2)");
    const before = await scene.fingerprint();
    await using daemon = await scene.startDaemon();
    const start = await scene.position();
    await scene.db.query('UPDATE t SET v = v + 1; DELETE FROM t WHERE id = 1');
    const projected = async (count: number): Promise<boolean> => {
      const rows = await query(scene.log, `SELECT opid_time FROM \`${scene.backupDatabase}\`.\`$_$Inception_backup_information$_$\``).catch(() => []);
      return rows.length === count;
    };
    await until('both operations are in the backup tables', () => projected(2));
    // What the daemon itself wrote until here comes back to it in the binlog; it must not answer that with another write.
    const settled = await until('the binlog has come to rest', async () => {
      const one = await scene.position();
      await pause(1500);
      const other = await scene.position();
      return one.offset === other.offset && other;
    });
    await pause(IDLE_SECONDS[kind] * 1000);
    assert.deepEqual(await scene.position(), settled);
    const schemas = new Set((await scene.operations()).map((row) => row.schema_name));
    assert.deepEqual([...schemas], [scene.schema]);

    // The checkpoint lies before our own last writes; that nothing else is there is proven without moving it.
    const script = await scene.cli('script', '--start-position', formatPosition(start), '--stop-position', formatPosition(settled), '--wait', '20');
    assert.equal(script.status, 0, script.stderr);
    const applied = await scene.apply(script.stdout);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await scene.fingerprint(), before);
    await daemon.stop();
  });
});
