import type { Connection } from 'mysql2/promise';
import type { DdlStatement, TableName } from '../../binlog/sql/classify.ts';
import { rows } from '../../core/mysql.ts';
import { formatPosition } from '../../core/position.ts';
import { readLoggedDdl, type ReadDdl } from '../../rollback/ddl/read-ddl.ts';
import type { Ledger } from '../../store/ledger.ts';
import { operationColumns, toOperation, toTransaction, transactionColumns, type StoredOperation, type StoredTransaction } from '../../store/log-reader.ts';
import type { LogRange } from '../range.ts';
import { formatTable } from '../selection.ts';
import { fromOperations } from '../tally.ts';

/** One table's part of a DDL in the log; a table without a name stands for its database. */
export interface DdlRecord {
  readonly operation: StoredOperation;
  readonly transaction: StoredTransaction;
  /** Null: its text could not be read. */
  readonly read: ReadDdl | null;
}

type Fields = Record<string, string | number | null>;

/** The DDL of a source from an ordinal to the log's end, newest first, what is known to have changed nothing left out. */
export async function ddlBackwards(connection: Connection, ledger: Ledger, { source }: LogRange, from: number): Promise<DdlRecord[]> {
  const found = await rows<Fields & { statement: Buffer | null }>(connection,
    `SELECT ${operationColumns('o')}, ${transactionColumns('t')} ${fromOperations(ledger)}
     WHERE o.source_id = ? AND o.ordinal >= ? AND o.ddl = 1 AND o.state <> 'no-effect' ORDER BY o.ordinal DESC, o.seq DESC`, [source.id, from]);
  return found.map((fields) => {
    const operation = toOperation(fields);
    const read = readLoggedDdl(operation, source.flavour);
    return { operation, transaction: toTransaction(fields), read: 'unread' in read ? null : read };
  });
}

/** Objects without rows or columns of their own: what becomes of them bears on no row, and scripts leave them alone. */
const BESIDE = new Set(['VIEW', 'TRIGGER', 'PROCEDURE', 'FUNCTION', 'EVENT', 'PACKAGE', 'SEQUENCE']);

/** What a DDL is about, as far as scripts go. */
export function isBeside({ read, operation }: DdlRecord): boolean {
  if (read === null) return /(VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|PACKAGE|PACKAGEBODY|SEQUENCE)$/.test(operation.type);
  return BESIDE.has(read.statement.object) || (read.statement.object === 'DATABASE' && read.statement.verb === 'ALTER');
}

export const isCreation = ({ verb, object, orReplace }: DdlStatement): boolean => verb === 'CREATE' && (object === 'TABLE' || object === 'DATABASE') && !orReplace;

export const sameTable = (a: TableName, b: TableName): boolean => a.schema === b.schema && a.table === b.table;

/** Whether a DDL may have changed what a table is, or what it is called. */
export function concerns({ operation, read }: DdlRecord, name: TableName): boolean {
  if (read === null || !read.statement.certain || read.statement.object === 'DATABASE') {
    return operation.schema === name.schema && (operation.table === '' || operation.table === name.table);
  }
  return read.statement.tables.some((table) => sameTable(table, name));
}

/** What a table is called before the script runs. @param until the first undone DDL after it had that name. @param undone newest first. */
export function nameNow(name: TableName, until: number, undone: readonly DdlRecord[]): TableName {
  let now = name;
  let seen = -1;
  for (const { operation: { ordinal }, read } of undone.toReversed()) {
    // The tables of one statement have a record each, with all of its names.
    if (ordinal < until || ordinal === seen) continue;
    seen = ordinal;
    for (const { from, to } of read?.statement.renames ?? []) if (sameTable(from, now)) now = to;
  }
  return now;
}

/** `ALTERTABLE of shop.orders at binlog.000003:4711` */
export function describeDdl({ operation, transaction }: DdlRecord): string {
  const name = operation.table === '' ? `database ${operation.schema}` : formatTable(operation);
  return `${operation.type} of ${name} at ${formatPosition(transaction.start)}`;
}
