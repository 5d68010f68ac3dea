import { rows } from '../core/mysql.ts';
import { UndoError } from '../core/errors.ts';
import { formatPosition } from '../core/position.ts';
import { requireLedger } from '../store/ledger.ts';
import { operationColumns, toOperation } from '../store/log-reader.ts';
import { readCheckpoint, requireSource, type SourceRecord } from '../store/registry.ts';
import { commentText } from './comment.ts';
import { actorScope, and, tableScope, type Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { counted } from './counted.ts';
import { formatMicros } from './datetime.ts';
import type { RawParameters } from './parameters.ts';
import { readFindOptions, readSelection, formatTable, type Dialect, type FindOptions, type Selection } from './selection.ts';
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
  /** Of DDL: why it cannot be undone, or what its undo does not bring back. */
  readonly remark: string | null;
  /** Prints the script that undoes it; null for DDL. */
  readonly script: string | null;
}

export interface FoundPage {
  readonly source: string;
  /** Newest first. */
  readonly operations: readonly FoundOperation[];
  /** To be given as `before` for the next page; null when there is none. */
  readonly next: string | null;
  readonly reach: string;
}

const SQL_BYTES = 1000;

type Fields = Record<string, string | number | null>;

/** What a listing is asked for, and how far the log reaches. */
interface Listing {
  readonly source: SourceRecord;
  readonly options: FindOptions;
  /** Of a transaction, where those are listed. */
  readonly minRows: number;
  readonly where: Condition;
  readonly reach: string;
}

/** @throws UndoError USAGE, SOURCE_UNKNOWN, SOURCE_AMBIGUOUS, OPID_UNKNOWN */
export async function openListing(context: ScriptContext, raw: RawParameters, dialect: Dialect, by: 'operation' | 'transaction'): Promise<Listing> {
  const { connection, ledger } = context;
  const selection = readSelection(raw, dialect);
  const options = readFindOptions(raw, dialect);
  await requireLedger(connection, ledger);
  const source = await requireSource(connection, ledger, selection.source);
  const checkpoint = await readCheckpoint(connection, ledger, source.id);
  const { minRows } = selection;
  const where = await findConditions(context, source, by === 'transaction' ? { ...selection, minRows: 0 } : selection, options, by);
  return { source, options, minRows, where, reach: checkpoint ? formatPosition(checkpoint.position) : 'nothing yet' };
}

/** @throws UndoError as `openListing` */
export async function findOperations(context: ScriptContext, raw: RawParameters, dialect: Dialect): Promise<FoundPage> {
  const { source, options, where, reach } = await openListing(context, raw, dialect, 'operation');
  const found = await newestOperations(context, source, where, options.limit + 1);
  const operations = found.slice(0, options.limit);
  return { source: source.alias, operations, next: found.length > options.limit ? operations.at(-1)!.opid : null, reach };
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

/**
 * What a listing selects, positions and filters alike.
 * @param by what is listed: operations, or transactions that have one of them.
 */
async function findConditions(context: ScriptContext, source: SourceRecord, selection: Selection, options: FindOptions, by: 'operation' | 'transaction'): Promise<Condition> {
  const parts: Condition[] = [{ sql: 'o.source_id = ?', parameters: [source.id] }, ...tableScope(selection), ...actorScope(selection, source.flavour, context.ledger)];
  const { startPosition, stopPosition, startTime, stopTime } = selection;
  const number = (file: string): number => Number(file.slice(file.lastIndexOf('.') + 1));
  if (startPosition) {
    const at = number(startPosition.file);
    parts.push({ sql: '(t.start_number > ? OR (t.start_number = ? AND t.start_offset >= ?))', parameters: [at, at, startPosition.offset] });
  }
  if (stopPosition) {
    const at = number(stopPosition.file);
    parts.push({ sql: '(t.end_number < ? OR (t.end_number = ? AND t.end_offset <= ?))', parameters: [at, at, stopPosition.offset] });
  }
  if (startTime) parts.push({ sql: 't.commit_micros >= ?', parameters: [startTime.micros] });
  if (stopTime) parts.push({ sql: 't.commit_micros < ?', parameters: [stopTime.micros] });
  if (options.text !== null) {
    // Bytes of other character sets are compared as latin1 would show them: ASCII text is found in all that contain it.
    parts.push({ sql: 'INSTR(LOWER(CONVERT(o.statement USING latin1)), LOWER(CONVERT(CAST(? AS BINARY) USING latin1))) > 0', parameters: [options.text] });
  }
  if (options.before !== null) {
    const [cursor] = await rows<Fields>(context.connection,
      `SELECT ordinal, seq FROM ${context.ledger.table('operations')} WHERE opid = ? AND source_id = ?`, [options.before, source.id]);
    if (!cursor) throw new UndoError('OPID_UNKNOWN', `The log of "${source.alias}" holds no operation ${JSON.stringify(options.before.slice(0, 100))}.`);
    const at = Number(cursor.ordinal);
    parts.push(by === 'transaction' ? { sql: 'o.ordinal < ?', parameters: [at] } : { sql: '(o.ordinal < ? OR (o.ordinal = ? AND o.seq < ?))', parameters: [at, at, Number(cursor.seq)] });
  }
  return and(...parts);
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
    script: operation.ddl ? null : `binlog-undo script --source ${shellWord(source.alias)} --opid ${shellWord(operation.opid)}`,
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

/** What becomes of DDL: scripts undo it in sections of their own, where that is allowed. */
function ddlUndo({ opid, state, remark }: FoundOperation): string {
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
    `  ${o.script === null ? ddlUndo(o) : `${o.script}${options}`}`,
  ].join('\n'));
  const tail = page.operations.length === 0 ? [`Nothing matches; the log of ${page.source} reaches to ${page.reach}.`] : page.next === null ? [] : [`More: --before ${page.next}`];
  return `${[...blocks, ...tail].join('\n\n')}\n`;
}
