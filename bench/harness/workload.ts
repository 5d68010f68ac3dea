import type { Connection } from 'mysql2/promise';
import { binlogEnd } from '../../test/support/any-server.ts';
import type { Position } from '../../src/core/position.ts';

/** A stretch of a source's binlog, and what lies in it. */
export interface Stretch {
  readonly from: Position;
  readonly to: Position;
  readonly rowChanges: number;
  readonly transactions: number;
  /** MySQL: the GTIDs that a replica has once it has applied it. */
  readonly gtids: string;
}

export const SYSBENCH_COLUMNS = 'id INT NOT NULL PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL, KEY k (k)';
const PER_STATEMENT = 1000;

/** Text of eleven digits and a dash, again and again, as sysbench makes it; another one for each seed. */
export function digits(seed: number, length: number): string {
  let text = '';
  for (let i = 0, state = (seed * 2654435761) >>> 0; text.length < length; i++) {
    state = (state * 1664525 + 1013904223) >>> 0;
    text += i % 12 === 11 ? '-' : String(state % 1000).padStart(3, '0');
  }
  return text.slice(0, length);
}

export function sysbenchRow(id: number): string {
  return `(${id},${(id * 7919) % 1_000_000},'${digits(id, 119)}','${digits(id + 1, 59)}')`;
}

/** Runs `work` between two readings of the binlog's end. All of it must lie in one file or more, without RESET. */
export async function stretch(source: Connection, counts: Pick<Stretch, 'rowChanges' | 'transactions'>, work: () => Promise<void>): Promise<Stretch> {
  const from = await binlogEnd(source);
  const before = await executed(source);
  await work();
  const to = await binlogEnd(source);
  const after = await executed(source);
  const gtids = after === '' ? '' : await only(source, `SELECT GTID_SUBTRACT('${after}', '${before}') AS found`);
  return { from, to, gtids, ...counts };
}

async function executed(source: Connection): Promise<string> {
  return (await only(source, 'SELECT @@global.gtid_executed AS found').catch(() => '')).replaceAll('\n', '');
}

async function only(connection: Connection, sql: string): Promise<string> {
  const [rows] = await connection.query(sql);
  return (rows as { found: string }[])[0]!.found;
}

const SEED = 10_000;

/** Puts rows into a sysbench table, ten thousand to a statement. @param first id */
export async function fillTable(db: Connection, table: string, count: number, first = 1): Promise<void> {
  await db.query(`CREATE TEMPORARY TABLE bench.seed LIKE ${table}`);
  for (let id = 0; id < SEED;) await db.query(`INSERT INTO bench.seed VALUES ${Array.from({ length: PER_STATEMENT }, () => sysbenchRow(id++)).join(',')}`);
  for (let at = 0; at < count; at += SEED) {
    await db.query(`INSERT INTO ${table} SELECT id + ${first + at}, (k + ${at * 7919}) % 1000000, c, pad FROM bench.seed WHERE id < ${count - at}`);
  }
  await db.query('DROP TEMPORARY TABLE bench.seed');
}

export interface BulkOptions {
  /** Rows to a statement, which is a transaction; default 1000. */
  readonly perStatement?: number;
  /** The first id that is inserted; default 1. */
  readonly insertFrom?: number;
  /** The first id that is updated, and deleted; default: what was inserted. */
  readonly changeFrom?: number;
}

/** Half of the row changes INSERT, three tenths UPDATE of two columns, two tenths DELETE. */
export async function bulkChanges(source: Connection, table: string, rowChanges: number, options: BulkOptions = {}): Promise<Stretch> {
  const { perStatement = PER_STATEMENT, insertFrom = 1, changeFrom = insertFrom } = options;
  const statements: string[] = [];
  // Small ones are sent many at a time, so that the client is no limit.
  const run = async (sql?: string): Promise<void> => {
    if (sql !== undefined) statements.push(sql);
    if (statements.length > 0 && (sql === undefined || statements.length * perStatement >= PER_STATEMENT / 2)) await source.query(statements.splice(0).join(';'));
  };
  const pieces = function* (from: number, count: number): Generator<readonly [first: number, count: number]> {
    for (let done = 0; done < count; done += perStatement) yield [from + done, Math.min(perStatement, count - done)];
  };
  const between = ([first, count]: readonly [number, number]): string => `id BETWEEN ${first} AND ${first + count - 1}`;
  return stretch(source, { rowChanges, transactions: rowChanges / perStatement }, async () => {
    for (const [first, count] of pieces(insertFrom, rowChanges * 0.5)) await run(`INSERT INTO ${table} VALUES ${Array.from({ length: count }, (_, i) => sysbenchRow(first + i)).join(',')}`);
    for (const piece of pieces(changeFrom, rowChanges * 0.3)) await run(`UPDATE ${table} SET k = k + 1, c = REVERSE(c) WHERE ${between(piece)}`);
    for (const piece of pieces(changeFrom, rowChanges * 0.2)) await run(`DELETE FROM ${table} WHERE ${between(piece)}`);
    await run();
  });
}

/** One row to a transaction; sent fifty at a time, so that the client is no limit. */
export async function smallChanges(source: Connection, table: string, transactions: number): Promise<Stretch> {
  return stretch(source, { rowChanges: transactions, transactions }, async () => {
    for (let id = 1; id <= transactions;) {
      const statements: string[] = [];
      for (; statements.length < 50 && id <= transactions; id++) statements.push(`INSERT INTO ${table} VALUES ${sysbenchRow(id)}`);
      await source.query(statements.join(';'));
    }
  });
}
