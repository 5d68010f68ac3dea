import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UndoError } from '../../src/core/errors.ts';
import { SqlBuffer } from '../../src/core/sql-buffer.ts';
import { parseRowsEvent } from '../../src/binlog/rows-event.ts';
import type { RowsEvent } from '../../src/binlog/types.ts';
import { sources } from '../support/servers.ts';
import { typeCases } from './support/type-cases.ts';
import { UndoBench } from './support/undo-bench.ts';

const MUTATIONS = 1500;

for (const server of sources()) {
  describe(`broken row images of ${server.kind}`, () => {
    it('give an error or SQL of bounded size, never a crash', async () => {
      await using bench = await UndoBench.open(server, 'fuzz');
      // A fixed linear sequence: a failure comes again in the next run.
      let state = 20261120;
      const random = (below: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % below;
      for (const [group, cases] of Object.entries(typeCases(server.flavour, server.version))) {
        const small = cases.map(({ type, values }) => ({ type, values: values.filter((value) => !value.includes('REPEAT')) }));
        await bench.work.query(`CREATE TABLE f_${group} (id INT PRIMARY KEY, ${small.map(({ type }, i) => `c${i} ${type}`).join(', ')})`);
        const [logged] = await bench.logged(() => bench.work.query(`INSERT INTO f_${group} VALUES ${[0, 1, 2, 3].map((id) => `(${id}, ${small.map(({ values }) => values[id % values.length]!).join(', ')})`).join(', ')}`).then(() => undefined));
        const { rows } = logged!;
        const writer = await bench.writer(logged!, { flavour: server.flavour, form: 'backup', update: 'changed', guard: 'none' });
        const out = new SqlBuffer(1 << 16);
        let refused = 0;
        for (let i = 0; i < MUTATIONS; i++) {
          const broken = mutate(rows, random);
          out.clear();
          try {
            writer.undo({ ...broken, kind: 'delete' }, out, () => undefined);
          } catch (error) {
            refused++;
            assert.ok(error instanceof UndoError, `${group} ${i}: ${error instanceof Error ? error.stack ?? '' : String(error)}`);
          }
          // Hex doubles, quoting too; numbers, names and JSON_TABLE forms are longer by a constant a row and a byte.
          assert.ok(out.length < 200_000 + 400 * rows.buffer.length, `${group}: ${out.length} bytes`);
        }
        assert.ok(refused > 0, group);
      }
    });

    it('are refused in their header too', async () => {
      await using bench = await UndoBench.open(server, 'fuzz_header');
      await bench.work.query('CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))');
      const [logged] = await bench.logged(() => bench.work.query("INSERT INTO t VALUES (1, 'abc'), (2, NULL)").then(() => undefined));
      const writer = await bench.writer(logged!, { flavour: server.flavour, form: 'script', update: 'changed', guard: 'none' });
      const { rows } = logged!;
      const refusal = (code: string) => (error: unknown): boolean => error instanceof UndoError && error.code === code;
      const undo = (changed: Partial<RowsEvent>): number => writer.undo({ ...rows, ...changed }, new SqlBuffer(), () => undefined);
      assert.equal(undo({}), 2);
      assert.throws(() => undo({ columnCount: 3 }), refusal('EVENT_CORRUPT'));
      assert.throws(() => undo({ rowsEnd: rows.rowsEnd - 1 }), refusal('EVENT_CORRUPT'));
      // Written rows that hold v alone, here NULL: nothing tells which row to delete.
      const keyless = parseRowsEvent(23, Buffer.from('0100000000000000020201', 'hex'), 0, 11);
      assert.throws(() => writer.undo(keyless, new SqlBuffer(), () => undefined), refusal('NOT_UNDOABLE'));
    });
  });
}

function mutate(rows: RowsEvent, random: (below: number) => number): RowsEvent {
  const body = Buffer.from(rows.buffer.subarray(rows.presentAt, rows.rowsEnd));
  const rowsStart = rows.rowsStart - rows.presentAt;
  for (let n = 1 + random(4); n > 0; n--) {
    const at = rowsStart + random(body.length - rowsStart);
    body[at] = random(2) === 0 ? random(256) : body[at]! ^ (1 << random(8));
  }
  const rowsEnd = random(10) === 0 ? rowsStart + random(body.length - rowsStart) : body.length;
  return { ...rows, buffer: body, presentAt: 0, presentAfterAt: 0, rowsStart, rowsEnd };
}
