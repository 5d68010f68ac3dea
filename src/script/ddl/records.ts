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

/** One table's part of a DDL in the log; a table without a name stands for its database, or for an object that is no table. */
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

/** Objects without rows or columns of their own: what becomes of them bears on no row, but for triggers. */
const OBJECTS = new Set(['VIEW', 'TRIGGER', 'PROCEDURE', 'FUNCTION', 'EVENT', 'PACKAGE', 'SEQUENCE']);
/** Those that share their names with tables. */
const NAMED_AS_TABLES = new Set(['VIEW', 'SEQUENCE']);

/** Whether a DDL is about such an object, or about what a database gives new tables. */
export function isOfObject({ read, operation }: DdlRecord): boolean {
  if (read === null) return /(VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|PACKAGE|PACKAGEBODY|SEQUENCE)$/.test(operation.type);
  return OBJECTS.has(read.statement.object) || (read.statement.object === 'DATABASE' && read.statement.verb === 'ALTER');
}

export const isCreation = ({ verb, object, orReplace }: DdlStatement): boolean => verb === 'CREATE' && (object === 'TABLE' || object === 'DATABASE') && !orReplace;

/** What it made may stay behind where only rows are undone: no row changes by it, as by triggers and events. */
export const staysWithoutHarm = (statement: DdlStatement): boolean =>
  isCreation(statement) || (statement.verb === 'CREATE' && !statement.orReplace && ['VIEW', 'PROCEDURE', 'FUNCTION', 'SEQUENCE'].includes(statement.object));

export const sameTable = (a: TableName, b: TableName): boolean => a.schema === b.schema && a.table === b.table;

/** The part of DROP DATABASE on a table or view in it. */
export const wentWithDatabase = ({ read, operation }: DdlRecord): boolean => read !== null && read.statement.database !== null && read.statement.verb === 'DROP' && operation.table !== '';

/** Whether a DDL may have changed what a table is, or what it is called. */
export function concerns(record: DdlRecord, name: TableName): boolean {
  const { operation, read } = record;
  if (isOfObject(record)) return NAMED_AS_TABLES.has(read?.statement.object ?? '') && read!.statement.tables.some((table) => sameTable(table, name));
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
export function describeDdl({ operation, transaction, read }: DdlRecord): string {
  const named = operation.table === '' || read?.statement.object === 'TRIGGER' ? read?.statement.name ?? null : null;
  const name = named ? formatTable(named) : operation.table === '' ? `database ${operation.schema}` : formatTable(operation);
  return `${operation.type} of ${name} at ${formatPosition(transaction.start)}`;
}
