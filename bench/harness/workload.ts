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

/** Half of the row changes INSERT, three tenths UPDATE of two columns, two tenths DELETE, a thousand rows to a transaction. */
export async function bulkChanges(source: Connection, table: string, rowChanges: number): Promise<Stretch> {
  const inserts = rowChanges / 2;
  return stretch(source, { rowChanges, transactions: rowChanges / PER_STATEMENT }, async () => {
    for (let id = 1; id <= inserts;) {
      const rows = Array.from({ length: Math.min(PER_STATEMENT, inserts - id + 1) }, () => sysbenchRow(id++));
      await source.query(`INSERT INTO ${table} VALUES ${rows.join(',')}`);
    }
    const between = (from: number, count: number): string => `id BETWEEN ${from} AND ${from + count - 1}`;
    for (let done = 0; done < rowChanges * 0.3; done += PER_STATEMENT) {
      await source.query(`UPDATE ${table} SET k = k + 1, c = REVERSE(c) WHERE ${between(done + 1, Math.min(PER_STATEMENT, rowChanges * 0.3 - done))}`);
    }
    for (let done = 0; done < rowChanges * 0.2; done += PER_STATEMENT) {
      await source.query(`DELETE FROM ${table} WHERE ${between(done + 1, Math.min(PER_STATEMENT, rowChanges * 0.2 - done))}`);
    }
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
