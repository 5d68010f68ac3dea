import { UndoError } from '../core/errors.ts';
import { rows } from '../core/mysql.ts';
import { fileNumber, formatPosition } from '../core/position.ts';
import { requireLedger } from '../store/ledger.ts';
import { readCheckpoint, requireSource, type SourceRecord } from '../store/registry.ts';
import { actorScope, and, tableScope, type Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { formatMicros } from './datetime.ts';
import type { Dialect } from './parameter-reader.ts';
import type { RawParameters } from './parameters.ts';
import { readFindOptions, readSelection } from './read-parameters.ts';
import { sessionScope } from './session-scope.ts';
import { DEFAULT_LOOK, type FindOptions, type Selection } from './selection.ts';
import { fromOperations } from './tally.ts';

/** What is listed: operations, or transactions that have one of them. */
export type Unit = 'operation' | 'transaction';

/** How far a search has looked that no index helps. */
export interface Looked {
  /** Newest first, and with the others of its transaction where transactions are listed. */
  readonly operations: number;
  /** The oldest of them. */
  readonly opid: string;
  /** Its commit time in UTC. */
  readonly time: string;
}

/** What a listing is asked for, and how far the log reaches. */
export interface Listing {
  readonly source: SourceRecord;
  readonly options: FindOptions;
  /** Of a transaction, where those are listed. */
  readonly minRows: number;
  readonly where: Condition;
  /** Where a search ends that has more of the log behind it. */
  readonly end: Looked | null;
  readonly reach: string;
}

/** @throws UndoError USAGE, SOURCE_UNKNOWN, SOURCE_AMBIGUOUS, OPID_UNKNOWN */
export async function openListing(context: ScriptContext, raw: RawParameters, dialect: Dialect, by: Unit): Promise<Listing> {
  const { connection, ledger } = context;
  const selection = readSelection(raw, dialect);
  const options = readFindOptions(raw, dialect);
  await requireLedger(connection, ledger);
  const source = await requireSource(connection, ledger, selection.source);
  const checkpoint = await readCheckpoint(connection, ledger, source.id);
  const searching = options.text !== null || selection.user !== null || selection.minRows > 0;
  if (options.look !== null && !searching) {
    throw new UndoError('USAGE', `${dialect.nameOf('look')} is given without anything to look for.`, { fix: `Give ${(['text', 'user', 'min_rows'] as const).map((name) => dialect.nameOf(name)).join(' or ')} as well, or leave it out.` });
  }
  const cursor = await cursorOf(context, source, options.before);
  const asked = rangeScope(selection);
  const range = and(
    { sql: 'o.source_id = ?', parameters: [source.id] }, ...asked, ...(cursor === null ? [] : [olderThan(cursor, by)]),
    ...(searching ? await ordinalScope(context, source, asked) : await sessionScope(context, source, selection, options, asked, cursor?.ordinal ?? null)),
  );
  const end = searching ? await searchEnd(context, source, range, selection, options, by) : null;
  const where = and(
    range, ...tableScope(selection), ...actorScope(by === 'transaction' ? { ...selection, minRows: 0 } : selection, source.flavour, ledger),
    ...(options.text === null ? [] : [textScope(options.text)]), ...(end ? [end.scope] : []),
  );
  return { source, options, minRows: selection.minRows, where, end: end?.looked ?? null, reach: checkpoint ? formatPosition(checkpoint.position) : 'nothing yet' };
}

/** Positions and times. */
function rangeScope({ startPosition, stopPosition, startTime, stopTime }: Selection): Condition[] {
  const parts: Condition[] = [];
  if (startPosition) {
    const at = fileNumber(startPosition.file);
    parts.push({ sql: '(t.start_number > ? OR (t.start_number = ? AND t.start_offset >= ?))', parameters: [at, at, startPosition.offset] });
  }
  if (stopPosition) {
    const at = fileNumber(stopPosition.file);
    parts.push({ sql: '(t.end_number < ? OR (t.end_number = ? AND t.end_offset <= ?))', parameters: [at, at, stopPosition.offset] });
  }
  if (startTime) parts.push({ sql: 't.commit_micros >= ?', parameters: [startTime.micros] });
  if (stopTime) parts.push({ sql: 't.commit_micros < ?', parameters: [stopTime.micros] });
  return parts;
}

/** The same as ordinals: operations are read in their order, and nothing else would stop the reading where the range ends. */
async function ordinalScope({ connection, ledger }: ScriptContext, source: SourceRecord, range: readonly Condition[]): Promise<Condition[]> {
  if (range.length === 0) return [];
  const where = and({ sql: 't.source_id = ?', parameters: [source.id] }, ...range);
  const [bounds] = await rows<Record<'first' | 'last', string | number | null>>(connection,
    `SELECT MIN(t.ordinal) AS first, MAX(t.ordinal) AS last FROM ${ledger.table('transactions')} t WHERE ${where.sql}`, where.parameters);
  return [{ sql: 'o.ordinal BETWEEN ? AND ?', parameters: [Number(bounds?.first ?? 1), Number(bounds?.last ?? 0)] }];
}

/** Bytes of other character sets are compared as latin1 would show them: ASCII text is found in all that contain it. */
function textScope(text: string): Condition {
  return { sql: 'INSTR(LOWER(CONVERT(o.statement USING latin1)), LOWER(CONVERT(CAST(? AS BINARY) USING latin1))) > 0', parameters: [text] };
}

interface ListCursor {
  readonly ordinal: number;
  readonly seq: number;
}

/** The operation that a page ended with. */
async function cursorOf({ connection, ledger }: ScriptContext, source: SourceRecord, before: string | null): Promise<ListCursor | null> {
  if (before === null) return null;
  const [cursor] = await rows<Record<string, string | number>>(connection,
    `SELECT ordinal, seq FROM ${ledger.table('operations')} WHERE opid = ? AND source_id = ?`, [before, source.id]);
  if (!cursor) throw new UndoError('OPID_UNKNOWN', `The log of "${source.alias}" holds no operation ${JSON.stringify(before.slice(0, 100))}.`);
  return { ordinal: Number(cursor.ordinal), seq: Number(cursor.seq) };
}

/** What is older than that. */
function olderThan({ ordinal, seq }: ListCursor, by: Unit): Condition {
  return by === 'transaction' ? { sql: 'o.ordinal < ?', parameters: [ordinal] } : { sql: '(o.ordinal < ? OR (o.ordinal = ? AND o.seq < ?))', parameters: [ordinal, ordinal, seq] };
}

/**
 * No index holds the text of statements, users or numbers of rows, so that a search for what is not there would read all of the log.
 * @returns where it ends instead; null when nothing is left behind that.
 */
async function searchEnd(
  { connection, ledger }: ScriptContext, source: SourceRecord, range: Condition, selection: Selection, options: FindOptions, by: Unit,
): Promise<{ looked: Looked; scope: Condition } | null> {
  const most = options.look ?? (selection.startPosition || selection.startTime ? null : DEFAULT_LOOK);
  if (most === null) return null;
  // What other filters leave out has to be read as well, unless an index leads past it: it counts as looked at.
  const read: Selection = { ...selection, minRows: 0, user: null, types: [], excludeDatabases: [], excludeTables: [], excludeGtids: null };
  const where = and(range, ...tableScope(read), ...actorScope(read, source.flavour, ledger));
  const [last, behind] = await rows<Record<string, string | number>>(connection,
    `SELECT o.opid AS opid, o.ordinal AS ordinal, o.seq AS seq, t.commit_micros AS commit_micros ${fromOperations(ledger)} WHERE ${where.sql}
     ORDER BY o.ordinal DESC, o.seq DESC LIMIT 2 OFFSET ${most - 1}`, where.parameters);
  if (!last || !behind) return null;
  const at = Number(last.ordinal);
  return {
    looked: { operations: most, opid: String(last.opid), time: formatMicros(Number(last.commit_micros)) },
    scope: by === 'transaction' ? { sql: 'o.ordinal >= ?', parameters: [at] } : { sql: '(o.ordinal > ? OR (o.ordinal = ? AND o.seq >= ?))', parameters: [at, at, Number(last.seq)] },
  };
}

/** @param last of a page with more of the same behind it; null when all was found that was looked at. */
export function nextPage(last: string | null, end: Looked | null): { next: string | null; looked: Looked | null } {
  return last === null ? { next: end?.opid ?? null, looked: end } : { next: last, looked: null };
}

/** What people are told below the entries of a page. */
export function pageTail(page: { readonly source: string; readonly next: string | null; readonly looked: Looked | null; readonly reach: string }, entries: number): string[] {
  const { looked, next } = page;
  if (looked) {
    return [`${entries === 0 ? 'Nothing matches so far: looked' : 'Looked'} at ${looked.operations} operations, back to ${looked.time}; the log goes on before that.\n`
      + `Go on: --before ${looked.opid}. Or name a begin with --start-datetime, which is looked back to whatever lies between, or look at more with --look.`];
  }
  if (entries === 0) return [`Nothing matches; the log of ${page.source} reaches to ${page.reach}.`];
  return next === null ? [] : [`More: --before ${next}`];
}
