import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quoteName } from '../../src/core/identifiers.ts';
import { SqlBuffer } from '../../src/core/sql-buffer.ts';
import { buildShape, compileLocate } from '../../src/rollback/index.ts';
import { decompressColumn } from '../../src/rollback/literals/compressed.ts';
import { valueEmitter } from '../../src/rollback/literals/literal.ts';
import type { ColumnKind, ColumnShape } from '../../src/rollback/shape.ts';
import { query } from '../support/scene.ts';
import { sources } from '../support/servers.ts';
import { readDefinition } from './support/definition.ts';
import { typeCases } from './support/type-cases.ts';
import { UndoBench } from './support/undo-bench.ts';

type Question = (quoted: string, mysql: boolean, column: ColumnShape) => string;

const HEX: Question = (quoted, _, { compressed }) => `HEX(${compressed ? `CONCAT(${quoted})` : quoted})`;
const NUMBER: Question = (quoted) => `CONCAT(CAST(${quoted} AS UNSIGNED), '')`;
const TEXT: Question = (quoted) => `CONCAT(${quoted}, '')`;

/** What the server is asked about a value before the change; it knows nothing of our literals. The rest is asked for its text. */
const QUESTIONS: Partial<Record<ColumnKind, Question>> = {
  text: HEX, binary: HEX, varbinary: HEX, geometry: HEX, vector: HEX, enum: NUMBER, set: NUMBER, bit: NUMBER, year: NUMBER,
  json: (quoted, mysql) => (mysql ? `HEX(CAST(${quoted} AS CHAR))` : `HEX(${quoted})`),
  // Without the zeros of ZEROFILL.
  int: (quoted) => `CONCAT(${quoted} + 0, '')`,
  float: (quoted) => `CONCAT(${quoted} * 1e0, '')`,
  inet4: (quoted) => `HEX(CAST(${quoted} AS BINARY(4)))`,
  inet6: (quoted) => `HEX(CAST(${quoted} AS BINARY(16)))`,
};

const RAW: readonly ColumnKind[] = ['text', 'varbinary', 'geometry', 'vector'];
/** The binlog leaves out trailing zeros, which HEX shows up to the column's length. */
const PADDED: Partial<Record<ColumnKind, (column: ColumnShape) => number>> = { binary: ({ meta }) => meta, inet4: () => 4, inet6: () => 16 };

/** The same about the logged bytes: as they are where they are the value, else from the literal's text. */
async function decoded(column: ColumnShape, b: Buffer, start: number, end: number, bench: UndoBench): Promise<string> {
  const { kind } = column;
  const bytes = (column.compressed ? decompressColumn(b, start, end) : b.subarray(start, end)).toString('hex').toUpperCase();
  const padded = PADDED[kind];
  if (padded) return bytes.padEnd(padded(column) * 2, '0');
  if (RAW.includes(kind)) return bytes;
  const out = new SqlBuffer();
  valueEmitter(column, 'utc')(out, b, start, end);
  const literal = out.toString();
  if (kind === 'bit') return String(BigInt(`0b${/^b'([01]+)'$/.exec(literal)![1]!}`));
  if (kind === 'json') return String((await query(bench.work, `SELECT HEX(CAST(${literal} AS CHAR)) AS v`))[0]!.v);
  return literal.replace(/^'(.*)'$/, '$1');
}

for (const server of sources()) describe(`decoded values are what ${server.kind} said before the change`, () => {
  for (const [group, cases] of Object.entries(typeCases(server.flavour, server.version))) {
    it(group, async () => {
      await using bench = await UndoBench.open(server, `decoder_${group}`);
      await bench.work.query(`CREATE TABLE t (id INT PRIMARY KEY, ${cases.map(({ type }, i) => `c${i} ${type}`).join(', ')})`);
      const count = Math.max(...cases.map(({ values }) => values.length));
      for (let id = 0; id < count; id++) {
        await bench.work.query(`INSERT INTO t VALUES (${id}, ${cases.map(({ values }) => values[id % values.length]!).join(', ')})`);
      }
      // The stored values are in their second life: what a type does to a value on the way in has been done.
      const definition = await readDefinition(bench.work, bench.schema, 't');
      const events = await bench.logged(() => bench.work.query('UPDATE t SET id = id + 1000').then(() => undefined));
      const shape = buildShape(events[0]!.map, definition);
      const mysql = server.flavour === 'mysql';
      const said = await query(bench.work, `SELECT ${shape.columns.map((column) => `${(QUESTIONS[column.kind] ?? TEXT)(quoteName(column.name), mysql, column)} AS ${quoteName(column.name)}`).join(', ')} FROM t ORDER BY t.id`);
      const locate = compileLocate(shape.columns);
      const width = 2 * shape.columns.length;
      const spans = new Int32Array(2 * width);
      let row = 0;
      for (const { rows } of events) {
        for (let at = rows.rowsStart; at < rows.rowsEnd; row++) {
          at = locate(rows.buffer, at, rows.rowsEnd, spans, 0);
          at = locate(rows.buffer, at, rows.rowsEnd, spans, width);
          for (const column of shape.columns.slice(1)) {
            const [start, end] = [spans[2 * column.index]!, spans[2 * column.index + 1]!];
            const expected = said[row]![column.name] ?? null;
            const found = start < 0 ? null : await decoded(column, rows.buffer, start, end, bench);
            // Numbers of few bits have many texts.
            const bits = column.kind === 'double' ? Number : column.kind === 'float' ? (text: unknown): number => Math.fround(Number(text)) : null;
            const same = bits && found !== null ? Object.is(bits(found), bits(expected)) : found === expected;
            assert.ok(same, `${cases[column.index - 1]!.type}, row ${row}: decoded ${String(found).slice(0, 300)}, the server said ${String(expected).slice(0, 300)}`);
          }
        }
      }
      assert.equal(row, count);
    });
  }
});
