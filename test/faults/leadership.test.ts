import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { startServer, type Flavour } from '../../deploy/provision/index.ts';
import { PROCESS_LIST } from '../support/any-server.ts';
import { Daemon } from '../support/daemon.ts';
import { backup, connect, source } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { World, ask, binlogEnd } from './support/world.ts';

const FLAVOURS: readonly Flavour[] = ['mysql', 'mariadb'];
/** As `cli/run/capture-session`. */
const IDLE_CHECKPOINT_MS = 1000;
const TABLE = 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(1000))';

for (const flavour of FLAVOURS) {
  test(`${flavour}: a standby takes over when the leader dies`, async () => {
    await using world = await World.open(source(flavour), backup(flavour), TABLE);
    const start = await binlogEnd(world.source);
    await using leader = await world.start();
    await world.sql("INSERT INTO t (v) VALUES ('a')");
    await using standby = Daemon.spawn(world.env);
    await standby.logged('standby');
    await world.sql("INSERT INTO t (v) VALUES ('b')");
    await world.caughtUp();
    const { epoch } = (await world.checkpoint())!;
    await leader.kill();
    await standby.logged('capturing');
    await world.sql("INSERT INTO t (v) VALUES ('c')");
    await world.caughtUp();
    assert.equal((await world.checkpoint())!.epoch, epoch + 1);
    await standby.stop();
    await world.equalsUndisturbed(start);
  });

  test(`${flavour}: a leader that was stopped inside an open backup transaction writes nothing when it wakes`, async () => {
    await using world = await World.open(source(flavour), backup(flavour), TABLE);
    const start = await binlogEnd(world.source);
    await using leader = await world.start();
    await world.sql("INSERT INTO t (v) VALUES ('a')");
    await world.caughtUp();
    // Another session holds the checkpoint row, so that the leader's next transaction waits at its last statement.
    const holder = await connect(backup(flavour));
    await holder.query('START TRANSACTION');
    await holder.query(`SELECT * FROM ${world.ledger}.checkpoints FOR UPDATE`);
    await world.sql("INSERT INTO t (v) VALUES ('b')");
    await until('the leader waits inside its transaction', async () =>
      (await ask(world.backup, `SELECT id FROM ${PROCESS_LIST} WHERE info LIKE ?`, [`UPDATE \`${world.ledger}\`.\`checkpoints\`%`])).length > 0);
    process.kill(leader.pid, 'SIGSTOP');
    // Its statement is done on the server: the transaction is open, its locks are held, and nobody commits it.
    await holder.query('ROLLBACK');
    await holder.end();
    const { epoch } = (await world.checkpoint())!;
    await using standby = Daemon.spawn(world.env);
    await standby.logged('capturing');
    await world.sql("INSERT INTO t (v) VALUES ('c')");
    await world.caughtUp();
    const before = await world.operations();
    assert.equal(before.length, 3);
    process.kill(leader.pid, 'SIGCONT');
    // What it had begun is gone; it finds that out and stands by.
    await leader.logged('session_ended');
    await leader.logged('standby');
    assert.deepEqual(await world.operations(), before);
    assert.equal((await world.checkpoint())!.epoch, epoch + 1);
    await world.sql("INSERT INTO t (v) VALUES ('d')");
    await world.caughtUp();
    await standby.stop();
    await leader.logged('capturing', 2);
    await leader.stop();
    await world.equalsUndisturbed(start);
  });

  test(`${flavour}: ids of connections that are somebody else's after a restart of the backup server are left alone`, async () => {
    await using store = await startServer(flavour === 'mysql' ? 'mysql-9.7' : 'mariadb-11.8', { bufferPoolMiB: 32 });
    await using world = await World.open(source(flavour), store, TABLE);
    await using leader = await world.start();
    await world.sql("INSERT INTO t (v) VALUES ('a')");
    await world.caughtUp();
    const recorded = async (): Promise<number[]> => {
      const [row] = await world.ledgerRows('SELECT leader FROM checkpoints');
      return (JSON.parse(String(row?.leader)) as { connections: { id: number }[] }).connections.map(({ id }) => id);
    };
    const theirs = await recorded();
    assert.ok(theirs.length > 0);
    await leader.kill();
    await store.restart();
    // Whoever comes first after a restart gets these ids again.
    const others: Connection[] = [];
    try {
      for (let id = 0; id < Math.max(...theirs);) {
        const other = await connect(store);
        others.push(other);
        id = other.threadId;
      }
      assert.ok(theirs.some((id) => others.some((other) => other.threadId === id)), 'no id came again: nothing was tested');
      await using successor = await world.start();
      await world.sql("INSERT INTO t (v) VALUES ('b')");
      await world.caughtUp();
      for (const other of others) await other.ping();
      await successor.stop();
    } finally {
      for (const other of others) other.destroy();
    }
  });

  test(`${flavour}: nothing is written while nothing happens`, async () => {
    // One of its own, where nobody else writes.
    await using server = await startServer(flavour === 'mysql' ? 'mysql-9.7' : 'mariadb-11.8', { bufferPoolMiB: 32 });
    await using world = await World.open(server, backup(flavour), TABLE);
    await using daemon = await world.start();
    await world.sql("INSERT INTO t (v) VALUES ('a')");
    await world.caughtUp();
    const written = async (): Promise<string> => JSON.stringify(await world.ledgerRows('SELECT file, file_offset, updated FROM checkpoints'));
    // The idle checkpoint behind the last transaction is one more write.
    const before = await until('the log rests', async () => {
      const now = await written();
      await pause(2 * IDLE_CHECKPOINT_MS);
      return now === await written() && now;
    });
    // Three renewals of the lease, as many idle checkpoints, and a heartbeat of the source pass.
    const renewals = async (): Promise<number> => Number((await ask(world.backup, "SHOW GLOBAL STATUS LIKE 'Com_admin_commands'"))[0]?.Value);
    const first = await renewals();
    await until('the lease was renewed', async () => await renewals() >= first + 3);
    assert.equal(await written(), before);
    await daemon.stop();
  });
}
