import type { Connection } from 'mysql2/promise';
import type { Position } from '../core/position.ts';
import type { Ledger } from '../store/ledger.ts';
import { readDefinitions, readTransactions, type DefinitionEntry, inForce } from '../store/log-reader.ts';
import type { TableDefinition } from '../schema/definition.ts';
import type { LogRange } from './range.ts';
import { carryOver, refusedKinds, type RowKinds } from '../rollback/carry-over.ts';
import type { Today } from '../rollback/build-shape.ts';
import { journeyOf, readRenamings, renamingsAfter, type Renaming } from './renamings.ts';
import { presentDefinitions } from './source-now.ts';
import { formatTable } from './selection.ts';
import type { TableTally } from './tally.ts';

/** A table of the selection with what is known of its columns, then and now. */
export interface TableHistory {
  readonly schema: string;
  readonly table: string;
  /** As the source has it now, under the name that it has now, or as the log last saw it; null when it is gone or not known. */
  readonly present: TableDefinition | null;
  readonly entries: readonly DefinitionEntry[];
  /** Columns renamed since its first row of the selection, oldest first. */
  readonly renamings: readonly Renaming[];
  /** What is to be undone. */
  readonly kinds: RowKinds;
  /** Why its rows cannot be put back into the table as it is now; null when they can. */
  readonly changed: string | null;
  /** Columns that have come since: in rows that come back they hold their default. */
  readonly added: readonly string[];
}

/** Definitions asked of the source itself; beyond that the log's own last word is taken. */
const MAX_ASKED = 300;

export async function tableHistories(connection: Connection, ledger: Ledger, range: LogRange, tables: readonly TableTally[]): Promise<Map<string, TableHistory>> {
  const statements = tables.length === 0 ? [] : await readRenamings(connection, ledger, range, Math.min(...tables.map(({ firstOrdinal }) => firstOrdinal)));
  const journeys = new Map(tables.map((tally) => [tally, journeyOf(statements, tally, tally.lastOrdinal)]));
  const names = [...journeys.values()].map(({ name }) => name);
  const present = range.live && tables.length > 0 && tables.length <= MAX_ASKED ? await presentDefinitions(range.live.endpoint, names) : null;
  const histories = new Map<string, TableHistory>();
  for (const tally of tables) {
    const { schema, table } = tally;
    const entries = await readDefinitions(connection, ledger, range.source.id, range.incarnationId, schema, table);
    const key = tableKey(schema, table);
    const { name } = journeys.get(tally)!;
    // Its columns may have been renamed between its own rows already.
    const { renamings } = journeyOf(statements, tally, tally.firstOrdinal - 1);
    const latest = tableKey(name.schema, name.table) === key ? entries : await readDefinitions(connection, ledger, range.source.id, range.incarnationId, name.schema, name.table);
    const known = present ? present.get(tableKey(name.schema, name.table)) ?? null : latest.find((entry) => entry.until === null)?.definition ?? null;
    const { changed, added } = await judgeChange(connection, ledger, range, tally, entries, renamings, known);
    histories.set(key, { schema, table, present: known, entries, renamings, kinds: kindsOf(tally), changed, added: [...added] });
  }
  return histories;
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
}

const NO_CHANGE: Change = { changed: null, added: new Set() };

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
  return { changed: null, added };
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
