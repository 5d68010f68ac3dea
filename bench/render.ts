/**
 * Rows of decode-and-render on a sysbench row (int, int, char(120), char(60)), from memory to memory, for each second of
 * processor time: neighbours on the machine count little.
 *   npx tsx bench/render.ts [seconds per case]
 */
import type { RowsEvent } from '../src/binlog/types.ts';
import { SqlBuffer } from '../src/core/sql-buffer.ts';
import { buildShape, compileWriter, type RenderOptions } from '../src/rollback/index.ts';
import type { ColumnDefinition, TableDefinition } from '../src/schema/definition.ts';
import { map } from './sysbench-map.ts';

const SECONDS = Number(process.argv[2] ?? 2);
const ROWS_PER_EVENT = 32;

const column = (name: string, dataType: string, columnType: string, text: boolean): ColumnDefinition => ({
  name, dataType, columnType, nullable: false, characterSet: text ? 'utf8mb4' : null, collation: text ? 'utf8mb4_0900_ai_ci' : null,
  generated: null, invisible: false, autoIncrement: name === 'id', onUpdateNow: false, hasDefault: true, rowPeriod: null,
});

const definition: TableDefinition = {
  schema: 'sbtest', table: 'sbtest1', engine: 'InnoDB', transactional: true, systemVersioned: false, sequence: false, triggers: [], sql: '',
  columns: [column('id', 'int', 'int', false), column('k', 'int', 'int', false), column('c', 'char', 'char(120)', true), column('pad', 'char', 'char(60)', true)],
  keys: [{ name: 'PRIMARY', primary: true, unique: true, parts: [{ column: 'id', prefix: null }] }],
};

function image(id: number, k: number, seed: number): Buffer {
  const digits = (count: number): string => Array.from({ length: count }, (_, i) => (i % 12 === 11 ? '-' : String((i * 7 + seed + id) % 10))).join('');
  const fixed = Buffer.alloc(9);
  fixed.writeInt32LE(id, 1);
  fixed.writeInt32LE(k, 5);
  const c = Buffer.from(digits(119));
  const pad = Buffer.from(digits(59));
  return Buffer.concat([fixed, Buffer.from([c.length, 0]), c, Buffer.from([pad.length]), pad]);
}

function event(kind: RowsEvent['kind'], first: number): RowsEvent {
  const rows = Array.from({ length: ROWS_PER_EVENT }, (_, i) => {
    const before = image(first + i, 500000 + i, 1);
    return kind === 'update' ? Buffer.concat([before, image(first + i, 500000 + i, 4)]) : before;
  });
  const buffer = Buffer.concat([Buffer.from([0x0f]), ...rows]);
  return { kind, partialJson: false, tableId: 1, flags: 1, columnCount: 4, buffer, presentAt: 0, presentAfterAt: 0, rowsStart: 1, rowsEnd: buffer.length };
}

function measure(kind: RowsEvent['kind'], options: RenderOptions): void {
  const events = Array.from({ length: 200 }, (_, i) => event(kind, 1 + i * ROWS_PER_EVENT));
  const writer = compileWriter(buildShape(map, definition), options);
  const out = new SqlBuffer(1 << 20);
  let bytes = 0;
  const onStatement = (start: number, end: number): void => {
    bytes += end - start;
    if (out.length > 1 << 19) out.clear();
  };
  const run = (until: number): number => {
    let rows = 0;
    while (performance.now() < until) for (const rowsEvent of events) rows += writer.undo(rowsEvent, out, onStatement);
    return rows;
  };
  run(performance.now() + 500);
  bytes = 0;
  const before = process.cpuUsage();
  const rows = run(performance.now() + SECONDS * 1000);
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  const { form, update, guard } = options;
  process.stdout.write(`${kind.padEnd(7)} ${form} ${update} guard=${guard}: ${(rows / seconds / 1e6).toFixed(2)} M rows/s, ${(bytes / seconds / 1e6).toFixed(0)} MB/s\n`);
}

const standard: RenderOptions = { flavour: 'mysql', form: 'backup', update: 'changed', guard: 'none' };
for (const kind of ['insert', 'update', 'delete'] as const) measure(kind, standard);
measure('update', { ...standard, update: 'full' });
measure('update', { ...standard, form: 'script', guard: 'changed' });
