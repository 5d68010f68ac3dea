import { createHash } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import type { RunningServer } from '../../../deploy/provision/index.ts';
import { INFORMATION_TABLE } from '../../../src/core/undo-tables.ts';
import { quoteTable } from '../../../src/core/identifiers.ts';
import { KeyTotal } from './row-changes.ts';
import { inLedger, type Capture } from './capture.ts';

/** The goInception tables of one schema. */
export interface Projected {
  /** Row changes by `table kind`, as the rollback statements name them. */
  readonly totals: ReadonlyMap<string, KeyTotal>;
  /** Of each operation a digest of its rollback statements in their order. */
  readonly operations: ReadonlyMap<string, string>;
  /** opid, table and type of every information row. */
  readonly information: readonly string[];
}

const PAGE = 20_000;
const KINDS = { DELETE: 'insert', UPDATE: 'update', INSERT: 'delete' } as const;
/** The key is the first column of each table of the load. */
const STATEMENT = /^(DELETE|UPDATE|INSERT).*?(?:WHERE `id`=|VALUES ?\()(-?\d+)/s;

/** What a capture of the load's schema has written for goInception's readers. */
export function projectedOf(backup: RunningServer, { ledger, alias }: Capture): Promise<Projected> {
  return inLedger(backup, ledger, async (connection) => {
    const [claims] = await connection.query({
      sql: 'SELECT c.backup_database FROM claims c JOIN sources s ON s.id = c.source_id WHERE s.alias = ?', values: [alias], rowsAsArray: true,
    });
    const [[database]] = claims as [[string]];
    return readProjected(connection, database);
  });
}

async function readProjected(connection: Connection, database: string): Promise<Projected> {
  const totals = new Map<string, KeyTotal>();
  const hashes = new Map<string, ReturnType<typeof createHash>>();
  const [tables] = await connection.query({
    sql: 'SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_name <> ?', values: [database, INFORMATION_TABLE], rowsAsArray: true,
  });
  for (const [table] of tables as [string][]) {
    for await (const [opid, statement] of rowsOf(connection, quoteTable(database, table))) {
      const [, verb, key] = STATEMENT.exec(statement) ?? [];
      if (key === undefined) throw new Error(`not understood: ${statement}`);
      const name = `${table} ${KINDS[verb as keyof typeof KINDS]}`;
      let total = totals.get(name);
      if (!total) totals.set(name, (total = new KeyTotal()));
      total.add(key);
      let hash = hashes.get(opid);
      if (!hash) hashes.set(opid, (hash = createHash('sha1')));
      hash.update(statement);
    }
  }
  const [information] = await connection.query({
    sql: `SELECT CONCAT_WS(' ', opid_time, tablename, type) FROM ${quoteTable(database, INFORMATION_TABLE)} ORDER BY opid_time`, rowsAsArray: true,
  });
  const operations = new Map([...hashes].map(([opid, hash]) => [opid, hash.digest('hex')]));
  return { totals, operations, information: (information as [string][]).map(([text]) => text) };
}

async function* rowsOf(connection: Connection, table: string): AsyncGenerator<readonly [opid: string, statement: string]> {
  for (let last = 0; ;) {
    const [page] = await connection.query({ sql: `SELECT id, opid_time, rollback_statement FROM ${table} WHERE id > ? ORDER BY id LIMIT ${PAGE}`, values: [last], rowsAsArray: true });
    const rows = page as [number, string, string][];
    for (const [id, opid, statement] of rows) {
      last = id;
      yield [opid, statement];
    }
    if (rows.length < PAGE) return;
  }
}
