import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type Flavour } from '../../deploy/provision/index.ts';
import { source } from '../support/servers.ts';
import { World, binlogEnd } from './support/world.ts';

const WAIT_SECONDS = 3;

const FLAVOURS: readonly Flavour[] = ['mysql', 'mariadb'];

for (const flavour of FLAVOURS) {
  test(`${flavour}: a backup server that closes idle connections early ends no session of a source without changes`, async () => {
    await using store = await startServer(flavour === 'mysql' ? 'mysql-9.7' : 'mariadb-11.8', { bufferPoolMiB: 32, args: [`--wait-timeout=${WAIT_SECONDS}`] });
    await using world = await World.open(source(flavour), store, 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(10))');
    const start = await binlogEnd(world.source);
    await using daemon = await world.start();
    await world.sql("INSERT INTO t (v) VALUES ('a')");
    await world.caughtUp();
    for (let second = 0; second < 2 * WAIT_SECONDS + 2; second++) {
      // The connection of the test is closed as well when it is idle.
      await world.checkpoint();
      await sleep(1000);
    }
    await world.sql("CREATE TABLE u (id INT); INSERT INTO t (v) VALUES ('b'), ('c')");
    await world.caughtUp();
    assert.deepEqual(daemon.lines.filter(({ event }) => event === 'session_ended'), []);
    await daemon.stop();
    await world.equalsUndisturbed(start);
  });
}
