import { rows } from '../core/mysql.ts';
import { formatPosition } from '../core/position.ts';
import type { SourceRecord } from '../store/registry.ts';
import { toTransaction, transactionColumns } from '../store/log-reader.ts';
import { commentText } from './comment.ts';
import { and, type Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { counted } from './counted.ts';
import { formatMicros } from './datetime.ts';
import { shellWord, usersOf } from './find.ts';
import { nextPage, openListing, pageTail, type Looked } from './listing.ts';
import type { Dialect } from './parameter-reader.ts';
import type { RawParameters } from './parameters.ts';
import { formatTable } from './selection.ts';
import { readableStatement } from './statement-text.ts';
import { fromOperations } from './tally.ts';

/** One transaction of the log as listings show it; counts are of its operations that match. */
export interface FoundTransaction {
  /** Of its first operation that matches; `before` takes it. */
  readonly opid: string;
  /** Commit time in UTC. */
  readonly time: string;
  /** Null where the server does not tell. */
  readonly threadId: number | null;
  /** `user@host` as observed when the session first appeared; null when it was not. */
  readonly user: string | null;
  readonly gtid: string | null;
  /** Id of the script of ours that did it; null for everything else. */
  readonly byScript: string | null;
  readonly start: string;
  readonly stop: string;
  readonly operations: number;
  /** Operations of the transaction that do not match. */
  readonly otherOperations: number;
  readonly rows: number;
  readonly tables: readonly { readonly table: string; readonly operations: number; readonly inserted: number; readonly updated: number; readonly deleted: number }[];
  /** Of the operation that `opid` names; clipped; null when the server did not log it. */
  readonly sql: string | null;
  /** Prints the script that undoes the whole transaction. */
  readonly script: string;
}

export interface TransactionPage {
  readonly source: string;
  /** Newest first. */
  readonly transactions: readonly FoundTransaction[];
  /** To be given as `before` for the next page; null when there is none. */
  readonly next: string | null;
  /** Where a search by text, user or number of rows stopped before it had looked at everything; null otherwise. */
  readonly looked: Looked | null;
  readonly reach: string;
}

const SQL_BYTES = 1000;

type Fields = Record<string, string | number | null>;

/** @throws UndoError as `openListing` */
export async function findTransactions(context: ScriptContext, raw: RawParameters, dialect: Dialect): Promise<TransactionPage> {
  const { connection, ledger } = context;
  const { source, options, minRows, where, end, reach } = await openListing(context, raw, dialect, 'transaction');
  const found = await rows<Fields>(connection,
    `SELECT o.ordinal AS ordinal, MIN(o.seq) AS first_seq, COUNT(*) AS operations, SUM(o.inserted + o.updated + o.deleted) AS row_changes ${fromOperations(ledger)}
     WHERE ${where.sql} GROUP BY o.ordinal ${minRows > 0 ? 'HAVING row_changes >= ?' : ''} ORDER BY o.ordinal DESC LIMIT ${options.limit + 1}`,
    [...where.parameters, ...(minRows > 0 ? [minRows] : [])]);
  const transactions = await describe(context, source, where, found.slice(0, options.limit));
  return { source: source.alias, transactions, ...nextPage(found.length > options.limit ? transactions.at(-1)!.opid : null, end), reach };
}

async function describe(context: ScriptContext, source: SourceRecord, where: Condition, page: readonly Fields[]): Promise<FoundTransaction[]> {
  if (page.length === 0) return [];
  const { connection, ledger } = context;
  const among: Condition = { sql: `o.ordinal IN (${page.map(() => '?').join(', ')})`, parameters: page.map(({ ordinal }) => Number(ordinal)) };
  const matching = and(where, among);
  const firsts = page.map(() => '(o.ordinal = ? AND o.seq = ?)').join(' OR ');
  const heads = await rows<Fields & { statement: Buffer | null }>(connection,
    `SELECT ${transactionColumns('t')}, t.script_id AS script_id, o.opid AS opid, LEFT(o.statement, ${SQL_BYTES}) AS statement,
       (SELECT COUNT(*) FROM ${ledger.table('operations')} x WHERE x.source_id = o.source_id AND x.ordinal = o.ordinal) AS all_operations
     ${fromOperations(ledger)} WHERE o.source_id = ? AND (${firsts}) ORDER BY o.ordinal DESC`,
    [source.id, ...page.flatMap(({ ordinal, first_seq }) => [Number(ordinal), Number(first_seq)])]);
  const tables = await rows<Fields>(connection,
    `SELECT o.ordinal AS ordinal, o.schema_name AS schema_name, o.table_name AS table_name, COUNT(*) AS operations, SUM(o.inserted) AS inserted, SUM(o.updated) AS updated,
       SUM(o.deleted) AS deleted ${fromOperations(ledger)} WHERE ${matching.sql} GROUP BY o.ordinal, o.schema_name, o.table_name ORDER BY o.schema_name, o.table_name`, matching.parameters);
  const users = await usersOf(context, source, heads);
  return heads.map((head, index): FoundTransaction => {
    const transaction = toTransaction(head);
    const { operations, row_changes: changed } = page.find(({ ordinal }) => Number(ordinal) === transaction.ordinal)!;
    const [start, stop] = [formatPosition(transaction.start), formatPosition(transaction.end)];
    const which = transaction.gtid === null ? `--start-position ${shellWord(start)} --stop-position ${shellWord(stop)}` : `--include-gtids ${shellWord(transaction.gtid)}`;
    return {
      opid: String(head.opid), time: formatMicros(transaction.commitMicros), threadId: transaction.threadId === 0 ? null : transaction.threadId, user: users[index] ?? null,
      gtid: transaction.gtid, byScript: head.script_id === null ? null : String(head.script_id), start, stop,
      operations: Number(operations), otherOperations: Number(head.all_operations) - Number(operations), rows: Number(changed),
      tables: tables.filter(({ ordinal }) => Number(ordinal) === transaction.ordinal).map((table) => ({
        table: table.table_name === '' ? String(table.schema_name) : formatTable({ schema: String(table.schema_name), table: String(table.table_name) }),
        operations: Number(table.operations), inserted: Number(table.inserted), updated: Number(table.updated), deleted: Number(table.deleted),
      })),
      sql: head.statement === null ? null : commentText(readableStatement(head.statement), 300),
      script: `binlog-undo script --source ${shellWord(source.alias)} ${which}`,
    };
  });
}

/** Tables that the readable listing names for one transaction. */
const MOST_TABLES = 10;

/** The page for people. @param options what each printed command needs beside its selection, such as `--config FILE`. */
export function transactionsText(page: TransactionPage, options = ''): string {
  const blocks = page.transactions.map((t) => [
    `${t.time}  ${counted(t.operations, 'operation')}, ${counted(t.rows, 'row')}${t.otherOperations === 0 ? '' : ` (and ${counted(t.otherOperations, 'other operation')})`}`,
    `  thread ${t.threadId ?? 'unknown'}, user ${t.user ?? 'unknown'}, ${t.start} to ${t.stop}${t.gtid === null ? '' : `, GTID ${t.gtid}`}`,
    ...(t.byScript === null ? [] : [`  by the rollback script ${t.byScript}`]),
    ...t.tables.slice(0, MOST_TABLES).map(({ table, inserted, updated, deleted }) => `  ${table}: ${inserted} inserted, ${updated} updated, ${deleted} deleted`),
    ...(t.tables.length > MOST_TABLES ? [`  and ${t.tables.length - MOST_TABLES} more tables`] : []),
    `  ${t.sql ?? 'SQL not logged'}`,
    `  ${t.script}${options}`,
  ].join('\n'));
  return `${[...blocks, ...pageTail(page, blocks.length)].join('\n\n')}\n`;
}
