import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { startServer, type ServerKind } from '../../deploy/provision/index.ts';
import { World, ask, type Row } from '../faults/support/world.ts';
import { runCli } from '../support/daemon.ts';
import { backup } from '../support/servers.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8', 'mariadb-10.11'];

for (const kind of KINDS) {
  test(`${kind}: B3.11 B3.10 a source restored from a copy of its data, same identity, is a gap; what both lives have is not captured twice, and positions say which life they mean`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 32 });
    await using world = await World.open(server, backup(server.flavour), 'CREATE TABLE t (id INT PRIMARY KEY, v INT)');
    const first = await world.start({ BINLOG_UNDO_START_POSITION: 'earliest' });
    await world.sql('INSERT INTO t VALUES (1, 1)');
    await ask(server, 'FLUSH BINARY LOGS');
    await world.sql('INSERT INTO t VALUES (2, 2)');
    await world.caughtUp();
    const copy = `${server.dataDir}.copy`;
    await server.kill();
    await cp(server.dataDir, copy, { recursive: true });
    try {
      await server.restart();
      await world.sql('INSERT INTO t VALUES (3, 3); INSERT INTO t VALUES (4, 4)');
      await world.caughtUp();
      await first.kill();
      await server.kill();
      await rm(server.dataDir, { recursive: true });
      await cp(copy, server.dataDir, { recursive: true });
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
    await server.restart();
    // The same file names, positions and GTIDs as before, for other transactions.
    await world.sql('INSERT INTO t VALUES (33, 3); INSERT INTO t VALUES (44, 4); UPDATE t SET v = v + 1');
    const refused = await world.startFails();
    assert.equal(refused.status, 3, refused.said);
    assert.match(refused.said, /INCARNATION_CHANGED: .*expected .*found .*BINLOG_UNDO_ON_GAP=record/);

    await using second = await world.start({ BINLOG_UNDO_ON_GAP: 'record' });
    await world.caughtUp();
    await second.stop();
    assert.deepEqual((await world.gaps()).map(({ reason }) => reason), ['incarnation']);
    const lives = await world.incarnations();
    assert.equal(lives.length, 2);
    const rows = (await world.operations()).filter(({ type }) => type === 'INSERT' || type === 'UPDATE');
    const [old, now] = lives.map(({ id }) => rows.filter((row) => row.incarnation_id === id));
    assert.deepEqual([old?.length, now?.map(({ type }) => type)], [4, ['INSERT', 'INSERT', 'UPDATE']]);
    assert.equal(new Set(rows.map(({ opid }) => opid)).size, rows.length);

    const script = (...args: string[]): ReturnType<typeof runCli> => runCli(['plan', '--json', '--database', world.schema, ...args], world.env);
    const at = (row: Row): string => `${String(row.start_file)}:${String(row.start_offset)}`;
    const operations = (text: string): number => (JSON.parse(text) as { operations: number }).operations;
    const [third] = old!.slice(-2);
    // The file of the lost transactions came again.
    const ambiguous = await script('--start-position', at(third!));
    assert.equal(ambiguous.status, 2, ambiguous.stderr);
    assert.match(ambiguous.stderr, /POSITION_AMBIGUOUS.* 1 \(server .* 2 \(server .*--incarnation/);
    const past = await script('--start-position', at(third!), '--stop-position', `${String(lives[0]!.last_file)}:${String(lives[0]!.last_offset)}`, '--incarnation', '1');
    assert.equal(operations(past.stdout), 2, past.stderr);
    const present = await script('--start-position', `${String(lives[1]!.first_file)}:${String(lives[1]!.first_offset)}`, '--incarnation', '2');
    assert.equal(operations(present.stdout), 3, present.stderr);
    assert.doesNotMatch(present.stdout, /"gap"/);
    const across = await runCli(['script', '--database', world.schema, '--start-position', at(third!), '--incarnation', '1'], world.env);
    assert.equal(across.status, 3, across.stderr);
    assert.match(across.stderr, /GAP_IN_RANGE.*incarnation/);
    const unknown = await script('--start-position', at(third!), '--incarnation', '7');
    assert.match(unknown.stderr, /POSITION_INVALID: .*no life 7.*1 \(server/);
    // Only the first life has had this one.
    const [one] = old!;
    assert.equal((await script('--start-position', at(one!), '--stop-position', at(old![1]!))).status, 0);
    assert.equal((await runCli(['verify'], world.env)).status, 0);
  });
}
