import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startServer, type ServerKind } from '../../deploy/provision/index.ts';
import { EventType } from '../../src/binlog/event-type.ts';
import { formatPosition } from '../../src/core/position.ts';
import { World, ask, binlogEnd } from '../faults/support/world.ts';
import { runCli } from '../support/daemon.ts';
import { applyWithClient } from '../support/scene.ts';
import { backup } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { event, injectEvents } from './support/inject-events.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8'];
const rowOps = (rows: readonly Record<string, unknown>[]): string[] =>
  rows.filter(({ type }) => ['INSERT', 'UPDATE', 'DELETE'].includes(String(type))).map(({ type, table_name, state }) => `${String(type)} ${String(table_name)} ${String(state)}`);

for (const kind of KINDS) {
  test(`${kind}: what an operator skips is a gap, and what was known of tables and prepared transactions before it is not taken for granted behind it`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 32 });
    await using world = await World.open(server, backup(server.flavour), 'CREATE TABLE t (id INT PRIMARY KEY, v INT, c INT); CREATE TABLE u (id INT PRIMARY KEY)');
    const skip = (...args: string[]): ReturnType<typeof runCli> => runCli(['skip', '--json', ...args], world.env);
    const xa = (id: number, name = "'x'"): string => `XA START ${name}; INSERT INTO u VALUES (${id}); XA END ${name}; XA PREPARE ${name}`;
    const first = await world.start();
    await world.sql('INSERT INTO t VALUES (1, 1, 2), (2, 2, 3)');
    await world.sql(xa(1));
    // Its name does not come again; one of more parts than a text.
    await world.sql(xa(5, "'y','\\'z',7"));
    await world.caughtUp();
    const held = await skip('--to', 'latest', '--note', 'while a daemon runs');
    assert.equal(held.status, 1);
    assert.match(held.stderr, /LEADER_HELD/);
    await first.stop();

    // An event of a server that nobody knows between two transactions; behind it DDL, and the end of the prepared transaction.
    await ask(server, 'FLUSH BINARY LOGS');
    const damaged = await binlogEnd(server);
    await world.sql('INSERT INTO t VALUES (3, 3, 4)');
    await world.sql('ALTER TABLE t DROP COLUMN c; ALTER TABLE t ADD COLUMN c INT GENERATED ALWAYS AS (v + 1) STORED');
    await world.sql("XA COMMIT 'x'; XA COMMIT 'y','\\'z',7");
    await ask(server, 'FLUSH BINARY LOGS');
    const next = await binlogEnd(server);
    injectEvents(join(server.dataDir, damaged.file), ({ type, nth }) =>
      ((type === EventType.GTID || type === EventType.MARIADB_GTID) && nth === 0 ? [event(199, Buffer.from('later'), server.port)] : []));
    const stopped = await world.startFails();
    assert.equal(stopped.status, 3);
    assert.match(stopped.said, /EVENT_UNSUPPORTED.*binlog-undo skip/);

    const before = await world.checkpoint();
    const file = `${next.file}:4`;
    for (const [args, status, said] of [
      [['--to', `${damaged.file}:5`, '--note', 'n'], 2, /POSITION_INVALID.*not where an event begins/],
      [['--to', formatPosition(before!.position), '--note', 'n'], 2, /POSITION_INVALID.*nothing to skip/],
      [['--to', 'binlog.009999:4', '--note', 'n'], 3, /INCARNATION_CHANGED.*no binlog file/],
      [['--to', file], 2, /USAGE.*--note/],
    ] as const) {
      const refused = await skip(...args);
      assert.equal(refused.status, status, refused.stderr);
      assert.match(refused.stderr, said);
    }
    const dry = await skip('--to', file, '--note', 'n', '--dry-run');
    assert.equal(dry.status, 0, dry.stderr);
    assert.deepEqual(JSON.parse(dry.stdout), { format: 1, source: world.alias, from: formatPosition(before!.position), to: file, dryRun: true });
    assert.deepEqual([await world.checkpoint(), await world.gaps()], [before, []]);
    const done = await skip('--to', file, '--note', 'event 199, INC-4711');
    assert.equal(done.status, 0, done.stderr);
    const [gap, ...more] = await world.gaps();
    assert.deepEqual(more, []);
    assert.deepEqual(
      [gap!.reason, gap!.schema_name, gap!.table_name, `${String(gap!.from_file)}:${String(gap!.from_offset)}`, `${String(gap!.to_file)}:${String(gap!.to_offset)}`],
      ['operator-skip', null, null, formatPosition(before!.position), file]);
    assert.match(String(gap!.detail), /^skipped by .*: event 199, INC-4711$/);

    // The name of the prepared transaction is given out again, and the table has a generated column now.
    await world.sql('DELETE FROM t WHERE id > 1');
    await world.sql(`${xa(2)}; XA COMMIT 'x'`);
    const again = await world.start();
    await world.caughtUp();
    assert.deepEqual(rowOps(await world.operations()), ['INSERT t captured', 'DELETE t captured', 'INSERT u captured']);
    assert.equal((await world.operations()).filter(({ table_name: table }) => table === 'u').length, 1);
    await until('nothing waits for the end that was skipped', async () => (await world.ledgerRows('SELECT xid FROM prepared')).length === 0);
    assert.deepEqual(await world.ledgerRows('SELECT opid FROM operations WHERE ordinal > 1000000'), []);
    const script = await runCli(['script', '--database', world.schema, '--start-position', file], world.env);
    assert.equal(script.status, 0, script.stderr);
    assert.equal((await applyWithClient(server, script.stdout)).status, 0, script.stdout);
    assert.deepEqual((await ask(server, `SELECT id, v, c FROM ${world.schema}.t ORDER BY id`)).map(({ id, v, c }) => [id, v, c]), [[1, 1, 2], [2, 2, 3], [3, 3, 4]]);
    assert.deepEqual((await ask(server, `SELECT id FROM ${world.schema}.u`)).map(({ id }) => id), [1, 5]);
    const across = await runCli(['script', '--database', world.schema, '--start-position', formatPosition({ ...before!.position, offset: before!.position.offset })], world.env);
    assert.equal(across.status, 3, across.stderr);
    assert.match(across.stderr, /GAP_IN_RANGE.*operator-skip/);
    await world.sql(xa(8, "'lost'"));
    await world.sql(xa(9, "'kept'"));
    await world.caughtUp();
    await again.stop();

    // To the end of the binlog, whatever that is: of two prepared transactions one ends before, and one is still to come.
    await world.sql("INSERT INTO u VALUES (10); XA ROLLBACK 'lost'");
    const end = await binlogEnd(server);
    const latest = await skip('--to', 'latest', '--note', 'nobody needs it');
    assert.equal(latest.status, 0, latest.stderr);
    await using last = await world.start();
    const [lost] = last.lines.filter((line) => line.event === 'xa_end_lost');
    assert.equal(lost?.xid, `X'${Buffer.from('lost').toString('hex')}',X'',1`);
    await until('the transaction that can still end is the only one waiting', async () => (await world.ledgerRows('SELECT xid FROM prepared')).length === 1);
    await world.sql("XA COMMIT 'kept'");
    await world.caughtUp();
    assert.deepEqual(rowOps((await world.operations()).slice(-1)), ['INSERT u captured']);
    assert.deepEqual(await world.ledgerRows('SELECT xid FROM prepared'), []);
    await world.sql('INSERT INTO u VALUES (11)');
    await world.caughtUp();
    assert.deepEqual((await world.gaps()).map(({ reason, to_offset }) => [reason, Number(to_offset)]), [['operator-skip', 4], ['operator-skip', end.offset]]);
    assert.equal(rowOps((await world.operations()).slice(-1))[0], 'INSERT u captured');
    await last.stop();
  });
}
