import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinlogDecoder } from '../../src/binlog/decoder.ts';
import { EventType } from '../../src/binlog/event-type.ts';
import { comparePositions } from '../../src/core/position.ts';
import { World } from '../faults/support/world.ts';
import { runCli } from '../support/daemon.ts';
import { backup, source } from '../support/servers.ts';
import { sealed } from '../fuzz/event-bytes.ts';
import { event } from './support/inject-events.ts';

/** A TABLE_MAP without metadata: one INT column. */
function tableMap(id: number, schema: string, table: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUIntLE(id, 0, 6);
  const name = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text), Buffer.from([0])]);
  const LONG = 3;
  return sealed(event(EventType.TABLE_MAP, Buffer.concat([head, name(schema), name(table), Buffer.from([1, LONG, 0, 0])]), 1));
}

test('B3.9 names of binlog files are compared by number', () => {
  const order = ['b.000009', 'b.000010', 'b.999999', 'b.1000000', 'b.2147483647'].map((file) => ({ file, offset: 4 }));
  assert.deepEqual(order.toReversed().toSorted(comparePositions), order);
});

test('B3.41 a table id that comes again for another table gives that table', () => {
  const decoder = new BinlogDecoder('mysql', 'binlog.000001', 4);
  const named = (bytes: Buffer): string => {
    const decoded = decoder.decode(bytes, 0, bytes.length - 4);
    return decoded.kind === 'tableMap' ? `${decoded.map.tableId} ${decoded.map.schema}.${decoded.map.table}` : decoded.kind;
  };
  // As the stream has it under binlog_checksum=NONE: without the last four bytes.
  const bare = (id: number, table: string): Buffer => {
    const bytes = tableMap(id, 's', table);
    bytes.writeUInt32LE(bytes.length - 4, 9);
    return bytes;
  };
  assert.deepEqual([bare(90, 'one'), bare(91, 'two'), bare(90, 'one'), bare(90, 'two'), bare(90, 'one')].map(named),
    ['90 s.one', '91 s.two', '90 s.one', '90 s.two', '90 s.one']);
});

for (const flavour of ['mysql', 'mariadb'] as const) {
  test(`${flavour}: B3.10 gaps of an earlier life of the binlog, whose files have another base name, are told apart by life`, async () => {
    await using world = await World.open(source(flavour), backup(flavour), 'CREATE TABLE t (id INT PRIMARY KEY)');
    const daemon = await world.start();
    await world.sql('INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)');
    await world.caughtUp();
    await daemon.stop();
    // As a failover leaves it behind: an older life on a server with other file names, and a gap at its end.
    await world.ledgerRows('UPDATE incarnations SET id = 900000');
    for (const table of ['checkpoints', 'transactions', 'definitions', 'eras']) await world.ledgerRows(`UPDATE ${table} SET incarnation_id = 900000`);
    await world.ledgerRows(`INSERT INTO incarnations (id, source_id, server_uuid, server_id, version, first_file, first_offset, last_file, last_offset, first_ordinal, created)
      SELECT 1, source_id, server_uuid, server_id + 1, version, 'old-bin.000001', 4, 'old-bin.000009', 1000, 1, created FROM incarnations`);
    await world.ledgerRows(`INSERT INTO gaps (source_id, incarnation_id, reason, to_file, to_offset, ordinal, to_micros, detail, noted)
      SELECT source_id, 1, 'incident', 'old-bin.000009', 900, 1, 0, 'then', NOW() FROM checkpoints`);
    const [first] = await world.operations();
    const at = `${String(first!.start_file)}:${String(first!.start_offset)}`;
    const script = (...args: string[]): ReturnType<typeof runCli> => runCli(['script', '--database', world.schema, ...args], world.env);
    const present = await script('--start-position', at);
    assert.equal(present.status, 0, present.stderr);
    assert.match(present.stdout, /undoes 2 operations/);
    const across = await script('--start-position', 'old-bin.000009:100');
    assert.equal(across.status, 3, across.stderr);
    assert.match(across.stderr, /GAP_IN_RANGE.*incident/);
    const behind = await script('--start-position', 'old-bin.000009:950');
    assert.equal(behind.status, 0, behind.stderr);
    const strange = await script('--start-position', 'new-bin.000001:4');
    assert.match(strange.stderr, /POSITION_INVALID/);
  });
}
