import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RenderOptions } from '../../src/rollback/index.ts';
import { connect, sources } from '../support/servers.ts';
import { typeCases, type TypeCase } from './support/type-cases.ts';
import { UndoBench } from './support/undo-bench.ts';

const COMBINATIONS: readonly Omit<RenderOptions, 'flavour'>[] = [
  { form: 'script', update: 'changed', guard: 'none' },
  { form: 'backup', update: 'full', guard: 'none' },
  { form: 'backup', update: 'changed', guard: 'changed' },
  { form: 'script', update: 'full', guard: 'changed' },
];

/** Row r holds value r of each column, going round; the last row is all NULL. */
function rowsOf(cases: readonly TypeCase[]): string[][] {
  const count = Math.max(...cases.map(({ values }) => values.length));
  const rows = Array.from({ length: count }, (_, r) => cases.map(({ values }) => values[r % values.length]!));
  return [...rows, cases.map(() => 'NULL')];
}

for (const server of sources()) {
  describe(`every type comes back on ${server.kind}`, () => {
    for (const [group, cases] of Object.entries(typeCases(server.flavour, server.version))) {
      for (const keyed of [true, false]) {
        it(`${group}, ${keyed ? 'by primary key' : 'without a key'}`, async () => {
          await using bench = await UndoBench.open(server, `types_${group}`);
          const columns = cases.map(({ type }, i) => `c${i} ${type}`);
          await bench.work.query(`CREATE TABLE t (id INT${keyed ? ' PRIMARY KEY' : ''}, ${columns.join(', ')})`);
          const rows = rowsOf(cases);
          const insert = async (): Promise<void> => {
            for (const [id, row] of rows.entries()) await bench.work.query(`INSERT INTO t VALUES (${id}, ${row.join(', ')})`);
          };
          const update = async (): Promise<void> => {
            for (const id of rows.keys()) {
              const next = rows[(id + 1) % rows.length]!;
              await bench.work.query(`UPDATE t SET ${next.map((value, i) => `c${i}=${value}`).join(', ')} WHERE id=${id}`);
            }
          };
          const remove = async (): Promise<void> => {
            await bench.work.query('DELETE FROM t');
          };
          const state = async (): Promise<unknown> => ({ rows: await bench.bytes('t'), checksum: await bench.checksum('t') });

          for (const combination of COMBINATIONS) {
            const options: RenderOptions = { flavour: server.flavour, ...combination };
            const states: unknown[] = [];
            const undo: string[][] = [];
            for (const change of [insert, update, remove]) {
              states.push(await state());
              undo.push(await bench.render(await bench.logged(change), options));
            }
            // A backup row must be right under the server's own default session, whatever its zone.
            await using run = await openRun(bench, options);
            for (const [i, statements] of undo.entries()) assertSafe(statements, i);
            for (let i = undo.length - 1; i >= 0; i--) {
              await run.all(undo[i]!);
              assert.deepEqual(await state(), states[i], `${JSON.stringify(combination)}, change ${i}`);
            }
          }
        });
      }
    }
  });
}

function assertSafe(statements: readonly string[], change: number): void {
  for (const statement of statements) {
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(statement, /[\u0000-\u001f\\\u007f]/, `change ${change}`);
    assert.match(statement, /;$/);
  }
}

interface Run extends AsyncDisposable {
  all(statements: readonly string[]): Promise<void>;
}

async function openRun(bench: UndoBench, options: RenderOptions): Promise<Run> {
  if (options.form === 'script') {
    return { all: (statements) => runAll(bench.work, statements), [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const connection = await connect(bench.server, { charset: 'utf8mb4' });
  await connection.query("SET time_zone='-05:00'");
  // Dates and ENUM 0 that the flavour's default sql_mode refuses are the rows marked as needing a session.
  if (options.flavour === 'mariadb') await connection.query("SET sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'");
  return { all: (statements) => runAll(connection, statements), [Symbol.asyncDispose]: () => connection.end() };
}

async function runAll(connection: UndoBench['work'], statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    try {
      const [result] = await connection.query(statement);
      assert.equal((result as { affectedRows: number }).affectedRows, 1, statement.slice(0, 2000));
    } catch (error) {
      assert.fail(`${String(error).slice(0, 500)}\n${statement.slice(0, 3000)}`);
    }
  }
}
