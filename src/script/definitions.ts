import type { Connection } from 'mysql2/promise';
import type { Position } from '../core/position.ts';
import type { Ledger } from '../store/ledger.ts';
import { readDefinitions, readTransactions, type DefinitionEntry, inForce } from '../store/log-reader.ts';
import type { TableDefinition } from '../schema/definition.ts';
import type { LogRange } from './range.ts';
import { carryOver, refusedKinds, type RowKinds } from '../rollback/carry-over.ts';
import type { Today } from '../rollback/build-shape.ts';
import type { TableName } from '../binlog/sql/classify.ts';
import type { DdlPlan, UndoneDdl } from './ddl/undone.ts';
import { concerns, nameNow } from './ddl/records.ts';
import { journeyOf, readRenamings, renamingsAfter, type Journey, type Renaming, type RenamingDdl } from './renamings.ts';
import { presentDefinitions } from './source-now.ts';
import { formatTable } from './selection.ts';
import type { TableTally } from './tally.ts';
import { triggerBounds, triggersThen } from './trigger-history.ts';

/** A table of the selection with what is known of its columns, then and when its rows are undone. */
export interface TableHistory {
  readonly schema: string;
  readonly table: string;
  /**
   * As it is when its rows are undone: as the source has it now, under the name that it has now, or as the log last saw it; where the
   * script undoes DDL before, as it was before that. Null when it is gone or not known.
   */
  readonly present: TableDefinition | null;
  readonly entries: readonly DefinitionEntry[];
  /** Columns renamed since its first row of the selection, oldest first. */
  readonly renamings: readonly Renaming[];
  /** What is to be undone. */
  readonly kinds: RowKinds;
  /** Why its rows cannot be put back into the table as it is then; null when they can. */
  readonly changed: string | null;
  /** Columns that have come since: in rows that come back they hold their default. */
  readonly added: readonly string[];
  /** Name and columns are what they were for each of its rows: their images are still images of this table. */
  readonly unaltered: boolean;
  /** Its rows before this ordinal are meant, which the DDL there found; null: all. */
  readonly until: number | null;
  /** Nothing but its triggers is changed by the script before it comes to these rows. */
  readonly ofNow: boolean;
  /** The same for its rows before other DDL that is undone, oldest first. */
  readonly earlier: readonly TableHistory[];
}

/** Definitions asked of the source itself; beyond that the log's own last word is taken. */
const MAX_ASKED = 300;

/** Counts what is selected of a table between two ordinals; null for nothing. */
export type TallyBetween = (tally: TableTally, from: number, to: number) => Promise<TableTally | null>;

export async function tableHistories(connection: Connection, ledger: Ledger, range: LogRange, tables: readonly TableTally[], ddl: DdlPlan, between: TallyBetween): Promise<Map<string, TableHistory>> {
  const renames = tables.length === 0 ? [] : await readRenamings(connection, ledger, range, Math.min(...tables.map(({ firstOrdinal }) => firstOrdinal)));
  const taken = new Set(ddl.undone.map(({ operation }) => operation.ordinal));
  const statements = renames.filter(({ ordinal }) => !taken.has(ordinal));
  const parts: { readonly tally: TableTally; readonly journey: Journey; readonly last: boolean }[] = [];
  for (const tally of tables) {
    const pieces = await piecesOf(tally, statements, ddl, between);
    for (const [i, piece] of pieces.entries()) parts.push({ tally: piece, journey: journeyOf(statements, piece, piece.lastOrdinal, ddl.undone), last: i === pieces.length - 1 });
  }
  const names = parts.flatMap(({ journey: { name, undone } }) => (undone === null ? [name] : [name, nameNow(name, undone.operation.ordinal, ddl.undone)]));
  const present = range.live && parts.length > 0 && parts.length <= MAX_ASKED ? await presentDefinitions(range.live.endpoint, names) : null;
  const histories = new Map<string, TableHistory>();
  let earlier: TableHistory[] = [];
  for (const { tally, journey: { name, undone }, last } of parts) {
    const { schema, table } = tally;
    const entries = await readDefinitions(connection, ledger, range.source.id, range.incarnationId, schema, table);
    const key = tableKey(schema, table);
    // Its columns may have been renamed between its own rows already.
    const { renamings } = journeyOf(statements, tally, tally.firstOrdinal - 1, ddl.undone);
    const latest = tableKey(name.schema, name.table) === key ? entries : await readDefinitions(connection, ledger, range.source.id, range.incarnationId, name.schema, name.table);
    const now = present ? present.get(tableKey(name.schema, name.table)) ?? null : latest.find((entry) => entry.until === null)?.definition ?? null;
    // Triggers stay through DDL on their table, and only the source knows them.
    const { schema: ofSchema, table: ofTable } = undone === null ? name : nameNow(name, undone.operation.ordinal, ddl.undone);
    const bearer = present ? present.get(tableKey(ofSchema, ofTable)) ?? null : now;
    const triggers = triggersThen(bearer?.triggers ?? [], tally, statements, ddl.undone);
    const then = undone === null ? now : definitionBefore(undone, name);
    const known = then && { ...then, triggers };
    const { changed, added, unaltered } = await judgeChange(connection, ledger, range, tally, entries, renamings, known);
    const history: TableHistory = {
      schema, table, present: known, entries, renamings, kinds: kindsOf(tally), changed, added: [...added],
      unaltered: unaltered && undone === null, until: endOf(tally, undone, ddl.undone), ofNow: undone === null, earlier: last ? earlier : [],
    };
    if (last) histories.set(key, history);
    earlier = last ? [] : [...earlier, history];
  }
  return histories;
}

/** What the undo of a DDL leaves under a name, triggers aside. */
function definitionBefore({ around: { before } }: UndoneDdl, name: TableName): TableDefinition | null {
  return before.find(({ schema, table }) => schema === name.schema && table === name.table)?.definition ?? null;
}

/** The first undone DDL behind rows that changes their table or its triggers. */
function endOf(tally: TableTally, altered: UndoneDdl | null, undone: readonly UndoneDdl[]): number | null {
  const ends = [...triggerBounds(tally, undone).filter((ordinal) => ordinal > tally.lastOrdinal), ...(altered === null ? [] : [altered.operation.ordinal])];
  return ends.length === 0 ? null : Math.min(...ends);
}

/** Rows of one name, apart where they belong to another table or are undone in another definition. */
async function piecesOf(tally: TableTally, statements: readonly RenamingDdl[], { undone }: DdlPlan, between: TallyBetween): Promise<TableTally[]> {
  const renamed = statements.filter(({ tables }) => tables.some(({ from, to }) => [from, to].some(({ schema, table }) => schema === tally.schema && table === tally.table)));
  const bounds = [...new Set([...undone.filter((ddl) => concerns(ddl, tally)).map(({ operation }) => operation.ordinal), ...triggerBounds(tally, undone), ...renamed.map(({ ordinal }) => ordinal)])]
    .filter((ordinal) => ordinal > tally.firstOrdinal && ordinal <= tally.lastOrdinal).sort((a, b) => a - b);
  if (bounds.length === 0) return [tally];
  const pieces: TableTally[] = [];
  let from = tally.firstOrdinal;
  for (const to of [...bounds, tally.lastOrdinal + 1]) {
    const piece = await between(tally, from, to);
    if (piece) pieces.push(piece);
    from = to;
  }
  return pieces;
}

/** Of a table's rows at an ordinal. */
export function historyAt(history: TableHistory, ordinal: number): TableHistory {
  return history.earlier.find(({ until }) => until === null || ordinal < until) ?? history;
}

export function allHistories(histories: Iterable<TableHistory>): TableHistory[] {
  return [...histories].flatMap((history) => [...history.earlier, history]);
}

const kindsOf = ({ inserted, updated, deleted }: TableTally): RowKinds => ({ inserted: inserted > 0, updated: updated > 0, deleted: deleted > 0 });

export function isSequence({ present, entries }: TableHistory): boolean {
  return present?.sequence === true || entries.some(({ definition }) => definition?.sequence === true);
}

export function tableKey(schema: string, table: string): string {
  return `${schema}\0${table}`;
}

interface Change {
  readonly changed: string | null;
  readonly added: ReadonlySet<string>;
  readonly unaltered: boolean;
}

const NO_CHANGE: Change = { changed: null, added: new Set(), unaltered: false };

async function judgeChange(
  connection: Connection, ledger: Ledger, range: LogRange, tally: TableTally, entries: readonly DefinitionEntry[], renamings: readonly Renaming[],
  present: TableDefinition | null,
): Promise<Change> {
  if (!present) {
    const changed = entries.length === 0 ? 'its columns are not known yet' : 'it is not there now, or was altered since and its present columns are not known';
    return { ...NO_CHANGE, changed };
  }
  const [first] = await readTransactions(connection, ledger, range.source.id, tally.firstOrdinal, tally.firstOrdinal + 1);
  const [last] = await readTransactions(connection, ledger, range.source.id, tally.lastOrdinal, tally.lastOrdinal + 1);
  if (!first || !last) return NO_CHANGE;
  const then = entries.filter((entry) => entry.definition !== null && begins(entry, last.end) && lasts(entry, first.start));
  const added = new Set<string>();
  for (const entry of then) {
    const place = placeToday(entry.definition!, present, renamingsAfter(renamings, entry, range.incarnationId), kindsOf(tally));
    if (place.refused !== null) return { ...NO_CHANGE, changed: place.refused };
    for (const { name } of place.today.carry.added) added.add(name);
  }
  return { changed: null, added, unaltered: then.length > 0 && then.every(({ definition }) => sameRows(definition!, present)) };
}

/** Whether a row image of one is, byte for byte, one of the other. */
function sameRows(then: TableDefinition, now: TableDefinition): boolean {
  return then.schema === now.schema && then.table === now.table && JSON.stringify(then.columns) === JSON.stringify(now.columns);
}

/** In force at that position or before it. */
const begins = (entry: DefinitionEntry, at: Position): boolean => inForce({ ...entry, until: null }, at);
/** Not over at that position. */
const lasts = (entry: DefinitionEntry, at: Position): boolean => inForce({ ...entry, from: { number: 0, offset: 0 } }, at);

/** How rows of a definition go into the table of today; what does not fit is said in words. */
export function placeToday(
  then: TableDefinition, now: TableDefinition, renamings: readonly Renaming[], kinds: RowKinds,
): { readonly refused: string } | { readonly refused: null; readonly today: Today } {
  const unread = renamings.find(({ renames }) => renames === null);
  if (unread) return { refused: 'an ALTER of it is longer than the log keeps of a statement, so that renamed columns cannot be told' };
  const carry = carryOver(then, now, renamings.map(({ renames }) => renames ?? []));
  if ('refused' in carry) return carry;
  const refused = refusedKinds(then, now, carry, kinds);
  return refused === null ? { refused, today: { definition: now, carry } } : { refused };
}

export function nameOf(history: Pick<TableHistory, 'schema' | 'table'>): string {
  return formatTable(history);
}
