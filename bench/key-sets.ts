/**
 * What key sets cost on the way of capture, from memory to memory: processor seconds for each million row changes, and bytes
 * of sets for each row change. Rows are sysbench's (int, int, char(120), char(60)), in blocks of 1 MiB as capture makes them.
 *   npx tsx bench/key-sets.ts [million row changes]
 */
import type { RowsEvent } from '../src/binlog/types.ts';
import { buildShape, captureLists, hashed, KeyReader, shapeMark } from '../src/rollback/index.ts';
import type { ColumnDefinition, KeyDefinition, TableDefinition } from '../src/schema/definition.ts';
import { KeyCollector, type RowKeys } from '../src/store/key-collector.ts';
import { map } from './sysbench-map.ts';

const MILLIONS = Number(process.argv[2] ?? 2);
const ROWS_PER_EVENT = 32;
const BLOCK_BYTES = 1024 * 1024;

const column = (name: string, text: boolean, columnType: string): ColumnDefinition => ({
  name, dataType: text ? 'char' : 'int', columnType, nullable: false, characterSet: text ? 'utf8mb4' : null, collation: text ? 'utf8mb4_0900_ai_ci' : null,
  generated: null, invisible: false, autoIncrement: name === 'id', onUpdateNow: false, rowPeriod: null, hasDefault: false,
});
const key = (name: string, ...columns: string[]): KeyDefinition => ({ name, primary: name === 'PRIMARY', unique: true, parts: columns.map((part) => ({ column: part, prefix: null })) });

const base: Omit<TableDefinition, 'keys'> = {
  schema: 'sbtest', table: 'sbtest1', engine: 'InnoDB', transactional: true, systemVersioned: false, sequence: false, triggers: [], sql: '',
  columns: [column('id', false, 'int'), column('k', false, 'int'), column('c', true, 'char(120)'), column('pad', true, 'char(60)')],
};

function image(id: number, seed: number): Buffer {
  const digits = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, i) => (i % 12 === 11 ? '-' : String((i * 7 + seed + id) % 10))).join(''));
  const fixed = Buffer.alloc(9);
  fixed.writeInt32LE(id, 1);
  fixed.writeInt32LE(id * 3, 5);
  const [c, pad] = [digits(119), digits(59)];
  return Buffer.concat([fixed, Buffer.from([c.length, 0]), c, Buffer.from([pad.length]), pad]);
}

function event(kind: RowsEvent['kind'], first: number): RowsEvent {
  const rows = Array.from({ length: ROWS_PER_EVENT }, (_, i) => (kind === 'update' ? Buffer.concat([image(first + i, 1), image(first + i, 4)]) : image(first + i, 1)));
  const buffer = Buffer.concat([Buffer.from([0x0f]), ...rows]);
  return { kind, partialJson: false, tableId: 1, flags: 1, columnCount: 4, buffer, presentAt: 0, presentAfterAt: 0, rowsStart: 1, rowsEnd: buffer.length };
}

function measure(what: string, kind: RowsEvent['kind'], keys: readonly KeyDefinition[]): void {
  const definition: TableDefinition = { ...base, keys };
  const shape = buildShape(map, definition);
  const lists = captureLists(shape).map(hashed);
  const reader = new KeyReader(shape, lists);
  const rowKeys: RowKeys = { mark: shapeMark(definition), lists, read: (rows, each) => reader.read(rows, (_row, before, after) => { each(before, after); }) };
  const collector = new KeyCollector(() => rowKeys);
  const events = Array.from({ length: 3000 }, (_, i) => event(kind, 1 + i * ROWS_PER_EVENT));
  const tableMap = Buffer.alloc(0);
  let bytes = 0;
  const run = (count: number): void => {
    let block = 0;
    for (let done = 0, i = 0; done < count; done += ROWS_PER_EVENT, i = (i + 1) % events.length) {
      collector.add('sbtest', 'sbtest1', tableMap, events[i]!);
      block += events[i]!.buffer.length;
      if (block < BLOCK_BYTES) continue;
      block = 0;
      for (const { data } of collector.take()) bytes += data.length;
    }
    for (const { data } of collector.take()) bytes += data.length;
  };
  run(200_000);
  bytes = 0;
  const before = process.cpuUsage();
  const count = MILLIONS * 1_000_000;
  run(count);
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(`${kind.padEnd(7)} ${what.padEnd(34)} ${((user + system) / 1e6 / MILLIONS).toFixed(2)} CPU s per million, ${(bytes / count).toFixed(1)} bytes a row\n`);
}

const primary = key('PRIMARY', 'id');
for (const kind of ['insert', 'update', 'delete'] as const) measure('primary key', kind, [primary]);
measure('primary and unique int', 'insert', [primary, key('k', 'k')]);
measure('primary and unique text (120)', 'insert', [primary, key('c', 'c')]);
measure('no key: whole row', 'insert', []);
