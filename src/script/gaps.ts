import type { Connection } from 'mysql2/promise';
import { CaptureFilter, type FilterSettings } from '../capture/filter.ts';
import { rows, scalar } from '../core/mysql.ts';
import { comparePositions, formatPosition, type Position } from '../core/position.ts';
import type { Ledger } from '../store/ledger.ts';
import { readTransactions } from '../store/log-reader.ts';
import { inTableScope } from './conditions.ts';
import { formatMicros } from './datetime.ts';
import type { LogRange } from './range.ts';
import { formatTable, type Selection } from './selection.ts';

/** Something that the log does not hold, by scope and reason. */
export interface StoredGap {
  readonly id: number;
  /** The life of the source's binlog that its positions belong to. */
  readonly incarnationId: number;
  readonly reason: string;
  /** Null: all databases; `table` null: all tables of the schema. */
  readonly schema: string | null;
  readonly table: string | null;
  readonly from: Position | null;
  readonly to: Position;
  readonly ordinal: number;
  readonly fromMicros: number | null;
  readonly toMicros: number;
  readonly detail: string;
  /** UTC, as the backup server writes it. */
  readonly noted: string;
  /** When somebody took note of it; null: open. */
  readonly acknowledged: string | null;
  readonly note: string | null;
}

type Fields = Record<string, string | number | null>;

/** Gaps of the transactions with `from <= ordinal <= to`, oldest first. */
export async function readGaps(connection: Connection, ledger: Ledger, sourceId: number, from: number, to: number, limit = 10_000): Promise<StoredGap[]> {
  const found = await rows<Fields>(connection,
    `SELECT id, incarnation_id, reason, schema_name, table_name, from_file, from_offset, to_file, to_offset, ordinal, from_micros, to_micros, detail,
       noted, acknowledged, note FROM ${ledger.table('gaps')} WHERE source_id = ? AND ordinal >= ? AND ordinal <= ? ORDER BY ordinal, id LIMIT ${limit}`, [sourceId, from, to]);
  return found.map((gap) => ({
    id: Number(gap.id), incarnationId: Number(gap.incarnation_id), reason: String(gap.reason), schema: gap.schema_name as string | null, table: gap.table_name as string | null,
    from: gap.from_file === null ? null : { file: String(gap.from_file), offset: Number(gap.from_offset) },
    to: { file: String(gap.to_file), offset: Number(gap.to_offset) }, ordinal: Number(gap.ordinal),
    fromMicros: gap.from_micros === null ? null : Number(gap.from_micros), toMicros: Number(gap.to_micros), detail: String(gap.detail),
    noted: String(gap.noted), acknowledged: gap.acknowledged as string | null, note: gap.note as string | null,
  }));
}

export function describeGap(gap: StoredGap): string {
  const what = gap.schema === null ? 'all tables' : gap.table === null ? `database ${gap.schema}` : formatTable({ schema: gap.schema, table: gap.table });
  const from = gap.from === null ? 'before' : `${formatPosition(gap.from)} to`;
  return `${gap.reason}: ${what}, ${from} ${formatPosition(gap.to)} (${formatMicros(gap.toMicros)}): ${gap.detail}`;
}

/** The gaps that a selection meets. */
export async function gapsInRange(connection: Connection, ledger: Ledger, range: LogRange, selection: Selection): Promise<StoredGap[]> {
  const candidates = (await readGaps(connection, ledger, range.source.id, range.from, range.to))
    .filter((gap) => inTableScope(selection, gap.schema, gap.table ?? '') && overlaps(gap, range));
  if (!byActor(selection)) return candidates;
  const kept: StoredGap[] = [];
  for (const gap of candidates) if (await concernsActor(connection, ledger, range, selection, gap)) kept.push(gap);
  return kept;
}

const byActor = (selection: Selection): boolean => selection.threadIds.length > 0 || selection.scripts.length > 0 || selection.opids.length > 0;

/**
 * A gap inside a transaction that the log holds belongs to that transaction's session. One that stands alone may hide
 * changes of any session; operations that are named one by one it cannot touch.
 */
async function concernsActor(connection: Connection, ledger: Ledger, range: LogRange, selection: Selection, gap: StoredGap): Promise<boolean> {
  const [transaction] = await readTransactions(connection, ledger, range.source.id, gap.ordinal, gap.ordinal + 1);
  const inside = transaction !== undefined && gap.from !== null
    && comparePositions(gap.from, transaction.start) >= 0 && comparePositions(gap.to, transaction.end) <= 0;
  // An operation that was refused, or has lost rows, is not there for being named.
  if (selection.opids.length > 0) return isAmong(connection, ledger, range, selection, gap);
  // What a script changed lies in its own transactions.
  if (selection.scripts.length > 0) return inside && transaction.script !== null && selection.scripts.includes(transaction.script);
  return !inside || selection.threadIds.includes(transaction.threadId) || transaction.threadId === 0;
}

async function isAmong(connection: Connection, ledger: Ledger, range: LogRange, { opids }: Selection, gap: StoredGap): Promise<boolean> {
  const found = await scalar<string>(connection,
    `SELECT COUNT(*) FROM ${ledger.table('operations')} WHERE source_id = ? AND ordinal = ? AND schema_name = ? AND table_name = ? AND (state <> 'captured' OR ? = 'erased') AND opid IN (${opids.map(() => '?').join(', ')})`,
    [range.source.id, gap.ordinal, gap.schema, gap.table, gap.reason, ...opids]);
  return Number(found) > 0;
}

function overlaps(gap: StoredGap, range: LogRange): boolean {
  if (range.startMicros !== null && gap.toMicros < range.startMicros) return false;
  if (range.stopMicros !== null && (gap.fromMicros ?? 0) >= range.stopMicros) return false;
  // Positions of one life of the binlog say nothing about those of another.
  if (gap.incarnationId < range.startLife || gap.incarnationId > range.stopLife) return false;
  if (gap.incarnationId === range.startLife && comparePositions(gap.to, range.start) <= 0) return false;
  return gap.incarnationId !== range.stopLife || gap.from === null || comparePositions(gap.from, range.stop) < 0;
}

interface Era { readonly ordinal: number; readonly filter: FilterSettings }

/** What of the asked-for tables the filter configuration kept out of the log, for some of the range; one sentence each. */
export async function excludedInRange(connection: Connection, ledger: Ledger, range: LogRange, selection: Selection): Promise<string[]> {
  const found = await rows<{ ordinal: string; filter: string }>(connection,
    `SELECT ordinal, filter FROM ${ledger.table('eras')} WHERE source_id = ? AND ordinal <= ? ORDER BY id`, [range.source.id, range.to]);
  const eras = found.map((era): Era => ({ ordinal: Number(era.ordinal), filter: JSON.parse(era.filter) as FilterSettings }));
  const active = eras.filter((era, index) => era.ordinal < Math.max(range.to, range.from + 1) && (eras[index + 1]?.ordinal ?? Number.POSITIVE_INFINITY) > range.from);
  const said = new Set<string>();
  for (const { filter } of active) for (const name of missingUnder(filter, selection)) said.add(name);
  return [...said];
}

function missingUnder(filter: FilterSettings, selection: Selection): string[] {
  const capture = new CaptureFilter(filter, []);
  const tables = selection.tables.filter(({ schema, table }) => !capture.captures(schema, table)).map(formatTable);
  const named = new Set(selection.tables.map(({ schema }) => schema));
  const databases = selection.databases.filter((database) => !named.has(database)).flatMap((database) => {
    if (!capture.capturesSchema(database)) return [`database ${database}`];
    if (filter.includeTables.some((name) => name.startsWith(`${database}.`)) && !filter.includeDatabases.includes(database)) return [`most of database ${database}`];
    return filter.excludeTables
      .filter((name) => name.startsWith(`${database}.`) && !selection.excludeTables.some(({ schema, table }) => name === `${schema}.${table}`));
  });
  return [...tables, ...databases];
}

/** Of a filter that kept something out, what it says; null when it keeps nothing out. For selections that name no table. */
export async function filterInForce(connection: Connection, ledger: Ledger, range: LogRange): Promise<string | null> {
  const found = await rows<{ filter: string }>(connection,
    `SELECT filter FROM ${ledger.table('eras')} WHERE source_id = ? AND ordinal <= ? ORDER BY id DESC LIMIT 1`, [range.source.id, range.to]);
  const filter = found[0] ? JSON.parse(found[0].filter) as FilterSettings : null;
  if (!filter || Object.values(filter).every((list: readonly string[]) => list.length === 0)) return null;
  return Object.entries(filter).filter(([, list]) => (list as readonly string[]).length > 0).map(([key, list]) => `${key} ${(list as readonly string[]).join(', ')}`).join('; ');
}
