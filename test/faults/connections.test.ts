import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, type Flavour, type ServerKind } from '../../deploy/provision/index.ts';
import { PROCESS_LIST } from '../support/any-server.ts';
import { Daemon } from '../support/daemon.ts';
import { FaultProxy } from '../support/proxy.ts';
import { backup, source } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { World, ask, binlogEnd } from './support/world.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8'];
const FLAVOURS: readonly Flavour[] = ['mysql', 'mariadb'];
const TABLE = 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(1000))';
const SOME = "INSERT INTO t (v) VALUES ('a'), ('b'), ('c'); UPDATE t SET v = CONCAT(v, 'x') ORDER BY id DESC LIMIT 2";

for (const flavour of FLAVOURS) {
  test(`${flavour}: the source's connections are slow, reset, half-open, swallowed and killed, and nothing is lost or twice`, async () => {
    // One of its own: through a dripping line the binlog of a server that other tests write to would take for ever.
    await using server = await startServer(flavour === 'mysql' ? 'mysql-9.7' : 'mariadb-11.8', { bufferPoolMiB: 32 });
    await using proxy = await FaultProxy.open(server);
    await using world = await World.open(server, backup(flavour), TABLE);
    const start = await binlogEnd(server);
    await using daemon = await world.start({ BINLOG_UNDO_SOURCE_PORT: String(proxy.port) });
    const write = (): Promise<void> => world.sql(SOME);
    const ended = (): number => daemon.lines.filter(({ event }) => event === 'session_ended').length;
    await write();
    proxy.fault = { kind: 'latency', milliseconds: 30 };
    await write();
    await world.caughtUp();
    proxy.fault = { kind: 'drip', bytes: 200 };
    await write();
    await world.caughtUp();
    assert.equal(ended(), 0, 'slow is not dead');
    proxy.fault = { kind: 'none' };

    proxy.reset();
    await write();
    await daemon.logged('capturing', 2);
    await world.caughtUp();

    // The dump's thread is killed, as a server does that knows our uuid from a newer connection.
    const dump = (await ask(server, `SELECT id FROM ${PROCESS_LIST} WHERE command LIKE 'Binlog Dump%' ORDER BY id DESC LIMIT 1`))[0];
    await ask(server, `KILL ${String(dump?.id)}`).catch(() => undefined);
    await write();
    await world.caughtUp();

    // Servers gone without a word; and then a network that swallows all packets: only silence tells.
    const before = ended();
    proxy.fault = { kind: 'blackHole' };
    proxy.abandon();
    await write();
    await until('the silence is noticed', () => ended() > before);
    proxy.fault = { kind: 'none' };
    proxy.reset();
    await world.caughtUp();
    assert.ok(daemon.lines.some(({ event, error }) => event === 'session_ended' && (error as { code?: string }).code === 'STREAM_SILENT'));
    await daemon.stop();
    await world.equalsUndisturbed(start);
  });

  test(`${flavour}: the backup server's connections are reset, swallowed and slow, and nothing is lost or twice`, async () => {
    const server = backup(flavour);
    await using proxy = await FaultProxy.open(server);
    await using world = await World.open(source(flavour), server, TABLE);
    const start = await binlogEnd(world.source);
    await using daemon = await world.start({ BINLOG_UNDO_BACKUP_PORT: String(proxy.port) });
    const ended = (): number => daemon.lines.filter(({ event }) => event === 'session_ended').length;
    for (let i = 0; i < 4; i++) {
      // At any moment: between the statements of a batch, or before the answer to its COMMIT.
      const writing = world.sql(SOME.repeat(1) + `; ${SOME}`.repeat(20));
      await until('something is being written', async () => ((await world.checkpoint())?.next ?? 0) > i);
      proxy.reset();
      await writing;
      await world.caughtUp();
    }
    proxy.fault = { kind: 'latency', milliseconds: 20 };
    await world.sql(SOME);
    await world.caughtUp();
    const before = ended();
    proxy.fault = { kind: 'blackHole' };
    await world.sql(SOME);
    await until('the backup server is given up', () => ended() > before);
    proxy.fault = { kind: 'none' };
    proxy.reset();
    await world.caughtUp();
    await daemon.stop();
    await world.equalsUndisturbed(start);
  });
}

for (const kind of KINDS) {
  test(`${kind}: the source is restarted and killed under the daemon`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 32 });
    await using world = await World.open(server, backup(server.flavour), TABLE);
    const start = await binlogEnd(server);
    await using daemon = await world.start();
    await world.sql(SOME);
    await server.restart();
    await world.sql(SOME);
    await world.caughtUp();
    await server.kill();
    await daemon.logged('session_ended', 2);
    await server.restart();
    await world.sql(SOME);
    await world.caughtUp();
    await daemon.stop();
    assert.deepEqual(await world.gaps(), []);
    await world.equalsUndisturbed(start);
  });

  test(`${kind}: a daemon that loses its connection while it starts tries again by itself`, async () => {
    const server = source(kind === 'mysql-9.7' ? 'mysql' : 'mariadb');
    await using proxy = await FaultProxy.open(server);
    await using world = await World.open(server, backup(server.flavour), TABLE);
    const first = await world.start();
    await world.sql(SOME);
    await world.caughtUp();
    await first.stop();
    proxy.fault = { kind: 'noDump' };
    await using daemon = Daemon.spawn({ ...world.env, BINLOG_UNDO_SOURCE_PORT: String(proxy.port) });
    const ended = await daemon.logged('session_ended', 2);
    assert.equal((ended.error as { code?: string }).code, 'STREAM_ENDED');
    proxy.fault = { kind: 'none' };
    await daemon.logged('capturing');
    await world.sql(SOME);
    await world.caughtUp();
    await daemon.stop();
    assert.equal((await world.operations()).length, 4);
    assert.deepEqual(await world.gaps(), []);
  });

  test(`${kind}: a proxy that leads the binlog connection to another server is noticed`, async () => {
    await using other = await startServer(kind, { bufferPoolMiB: 32 });
    const server = source(other.flavour);
    await using proxy = await FaultProxy.open(server);
    await using world = await World.open(server, backup(other.flavour), TABLE);
    // The first connection is the control connection; all later ones reach the other server.
    void until('the control connection', () => proxy.accepted >= 1).then(() => {
      proxy.target = other;
    });
    const { status, said } = await world.startFails({ BINLOG_UNDO_SOURCE_PORT: String(proxy.port), BINLOG_UNDO_SOURCE_SERVER_ID: '4242' });
    assert.equal(status, 1);
    assert.match(said, /SOURCE_NOT_READY.*binlog connection reached the server/);
  });
}
