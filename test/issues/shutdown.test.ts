import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, startServer } from '../../deploy/provision/index.ts';
import { World } from '../faults/support/world.ts';
import type { Daemon } from '../support/daemon.ts';
import { FaultProxy } from '../support/proxy.ts';
import { source } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** What the chart gives a daemon before it is killed. */
const GRACE_SECONDS = 60;
const TABLE = 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)';

/** SIGTERM, and the end without a kill. */
async function endsInTime(daemon: Daemon): Promise<void> {
  const ended = daemon.stop();
  ended.catch(() => undefined);
  await until('the daemon ends', () => !daemon.running, GRACE_SECONDS);
  await ended;
}

for (const flavour of ['mysql', 'mariadb'] as const) {
  test(`${flavour}: B3.28 SIGTERM ends a daemon whose source answers nothing more while it is asked, and one whose backup server has stopped in the middle of a batch`, async () => {
    await using store = await startServer(flavour === 'mysql' ? 'mysql-9.7' : 'mariadb-11.8', { bufferPoolMiB: 32 });
    await using proxy = await FaultProxy.open(source(flavour));
    await using world = await World.open(source(flavour), store, TABLE);
    await using deaf = await world.start({ BINLOG_UNDO_SOURCE_PORT: String(proxy.port) });
    await world.sql('INSERT INTO t (v) VALUES (1)');
    await world.caughtUp();
    proxy.fault = { kind: 'blackHole' };
    await endsInTime(deaf);
    proxy.fault = { kind: 'none' };
    proxy.reset();

    const port = await freePort();
    await using stuck = await world.start({ BINLOG_UNDO_METRICS_PORT: String(port) });
    await world.sql('INSERT INTO t (v) VALUES (2)');
    await world.caughtUp();
    await store.kill('SIGSTOP');
    await world.sql('INSERT INTO t (v) VALUES (3), (4)');
    await until('something waits for the backup server', async () => /^binlog_undo_queue_bytes\{[^}]*\} [1-9]/m.test(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()));
    await endsInTime(stuck);
    await store.kill('SIGCONT');

    // Nothing is lost by it.
    await using last = await world.start();
    await world.caughtUp();
    await last.stop();
    assert.deepEqual((await world.operations()).map(({ type, inserted }) => `${String(type)} ${String(inserted)}`), ['INSERT 1', 'INSERT 1', 'INSERT 2']);
  });
}
