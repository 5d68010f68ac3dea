import { rows } from '../core/mysql.ts';
import { formatPosition } from '../core/position.ts';
import { operationColumns, toOperation } from '../store/log-reader.ts';
import { COPIED } from '../store/copy-sql.ts';
import type { SourceRecord } from '../store/registry.ts';
import { commentText } from './comment.ts';
import type { Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { counted } from './counted.ts';
import { formatMicros } from './datetime.ts';
import { nextPage, openListing, pageTail, type Looked } from './listing.ts';
import type { Dialect } from './parameter-reader.ts';
import type { RawParameters } from './parameters.ts';
import { formatTable } from './selection.ts';
import { readableStatement } from './statement-text.ts';
import { fromOperations } from './tally.ts';

/** One operation of the log as listings show it. */
export interface FoundOperation {
  readonly opid: string;
  /** Commit time in UTC. */
  readonly time: string;
  /** Null where the server does not tell. */
  readonly threadId: number | null;
  /** `user@host` as observed when the session first appeared; null when it was not. */
  readonly user: string | null;
  readonly table: string;
  readonly type: string;
  readonly rows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly gtid: string | null;
  /** Id of the script of ours that did it; null for everything else. */
  readonly byScript: string | null;
  readonly start: string;
  readonly stop: string;
  /** Clipped; null when the server did not log it. */
  readonly sql: string | null;
  /** `captured`, or why its rows cannot be undone. */
  readonly state: string;
  /** Of DDL: why it cannot be undone, or what its undo does not bring back; of copied rows: whose copy it was. */
  readonly remark: string | null;
  /** Prints the script that undoes it; null for DDL and for rows that an online schema change copied. */
  readonly script: string | null;
}

export interface FoundPage {
  readonly source: string;
  /** Newest first. */
  readonly operations: readonly FoundOperation[];
  /** To be given as `before` for the next page; null when there is none. */
  readonly next: string | null;
  /** Where a search by text, user or number of rows stopped before it had looked at everything; null otherwise. */
  readonly looked: Looked | null;
  readonly reach: string;
}

const SQL_BYTES = 1000;

type Fields = Record<string, string | number | null>;

/** @throws UndoError as `openListing` */
export async function findOperations(context: ScriptContext, raw: RawParameters, dialect: Dialect): Promise<FoundPage> {
  const { source, options, where, end, reach } = await openListing(context, raw, dialect, 'operation');
  const found = await newestOperations(context, source, where, options.limit + 1);
  const operations = found.slice(0, options.limit);
  return { source: source.alias, operations, ...nextPage(found.length > options.limit ? operations.at(-1)!.opid : null, end), reach };
}

/** The newest operations that `where` selects, at most `limit`. */
export async function newestOperations(context: ScriptContext, source: SourceRecord, where: Condition, limit: number): Promise<FoundOperation[]> {
  const { connection, ledger } = context;
  const columns = operationColumns('o').replace('o.statement,', `LEFT(o.statement, ${SQL_BYTES}) AS statement,`);
  const found = await rows<Fields & { statement: Buffer | null }>(connection,
    `SELECT ${columns}, t.thread_id, t.gtid, t.script_id, t.commit_micros, t.start_file, t.start_offset, t.end_file, t.end_offset
     ${fromOperations(ledger)} WHERE ${where.sql} ORDER BY o.ordinal DESC, o.seq DESC LIMIT ${limit}`, where.parameters);
  const users = await usersOf(context, source, found);
  return found.map((fields, index) => describe(source, fields, users[index] ?? null));
}

/** The newest observation of each entry's thread that is not younger than the entry. */
export async function usersOf(context: ScriptContext, source: SourceRecord, page: readonly Fields[]): Promise<(string | null)[]> {
  const threads = [...new Set(page.map((fields) => Number(fields.thread_id)).filter((id) => id > 0))];
  if (threads.length === 0) return [];
  const seen = await rows<Fields>(context.connection,
    `SELECT thread_id, since_ordinal, user, host FROM ${context.ledger.table('threads')} WHERE source_id = ? AND thread_id IN (${threads.map(() => '?').join(', ')})
     ORDER BY since_ordinal DESC`, [source.id, ...threads]);
  return page.map((fields) => {
    const known = seen.find((thread) => Number(thread.thread_id) === Number(fields.thread_id) && Number(thread.since_ordinal) <= Number(fields.ordinal));
    return known ? `${known.user}@${known.host}` : null;
  });
}

function describe(source: SourceRecord, fields: Fields & { statement: Buffer | null }, user: string | null): FoundOperation {
  const operation = toOperation(fields);
  const threadId = Number(fields.thread_id);
  return {
    opid: operation.opid, time: formatMicros(Number(fields.commit_micros)), threadId: threadId === 0 ? null : threadId, user,
    table: operation.table === '' ? operation.schema : formatTable(operation), type: operation.type,
    rows: operation.inserted + operation.updated + operation.deleted, inserted: operation.inserted, updated: operation.updated, deleted: operation.deleted,
    gtid: fields.gtid as string | null, byScript: fields.script_id as string | null,
    start: formatPosition({ file: String(fields.start_file), offset: Number(fields.start_offset) }),
    stop: formatPosition({ file: String(fields.end_file), offset: Number(fields.end_offset) }),
    sql: operation.statement === null ? null : commentText(readableStatement(operation.statement), 300), state: operation.state, remark: operation.remark,
    script: operation.ddl || operation.state === COPIED ? null : `binlog-undo script --source ${shellWord(source.alias)} --opid ${shellWord(operation.opid)}`,
  };
}

export function shellWord(text: string): string {
  return /^[\w.:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What one operation was, in three lines: when and what, by whom and where, with which SQL. */
export function operationLines(o: FoundOperation): string[] {
  return [
    `${o.time}  ${o.type} ${o.table}, ${counted(o.rows, 'row')}${o.state === 'captured' ? '' : ` (${o.state})`}`,
    `  thread ${o.threadId ?? 'unknown'}, user ${o.user ?? 'unknown'}, ${o.start} to ${o.stop}${o.gtid === null ? '' : `, GTID ${o.gtid}`}`,
    ...(o.byScript === null ? [] : [`  by the rollback script ${o.byScript}`]),
    `  ${o.sql ?? 'SQL not logged'}`,
  ];
}

/** Where no script is named. DDL is undone in sections of its own, where that is allowed. */
function withoutScript({ opid, state, remark }: FoundOperation): string {
  if (state === COPIED) return `${opid}: ${remark ?? state}`;
  if (state === 'captured') return `${opid}: DDL, which a script undoes with --allow nonatomic where it can${remark === null ? '' : `; ${remark}`}`;
  return `${opid}: ${state === 'no-effect' ? 'it changed nothing' : state === 'elsewhere' ? 'its undo stands with another table of the statement' : `it cannot be undone: ${remark ?? state}`}`;
}

/**
 * The page for people.
 * @param options what each printed command needs beside its selection to work in the same place, such as `--config FILE`.
 */
export function findText(page: FoundPage, options = ''): string {
  const blocks = page.operations.map((o) => [
    ...operationLines(o),
    `  ${o.script === null ? withoutScript(o) : `${o.script}${options}`}`,
  ].join('\n'));
  return `${[...blocks, ...pageTail(page, blocks.length)].join('\n\n')}\n`;
}
