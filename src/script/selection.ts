import type { Position } from '../core/position.ts';
import type { ReadTime } from './datetime.ts';
import type { Allowance, ConflictMode } from './parameters.ts';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Which operations of one source's log are meant. Empty lists do not restrict; exclusion wins. */
export interface Selection {
  /** Null: the only source of the ledger. */
  readonly source: string | null;
  readonly startPosition: Position | null;
  readonly stopPosition: Position | null;
  /** Which life of the source's binlog the positions mean, 1 for the first; null: not said. */
  readonly incarnation: number | null;
  readonly startTime: ReadTime | null;
  readonly stopTime: ReadTime | null;
  readonly includeGtids: string | null;
  readonly excludeGtids: string | null;
  readonly opids: readonly string[];
  /** Runs of these scripts of ours. */
  readonly scripts: readonly string[];
  readonly threadIds: readonly number[];
  /** Of sessions that were observed; null: any. */
  readonly user: string | null;
  /** Of an operation; 0: any number. */
  readonly minRows: number;
  readonly databases: readonly string[];
  readonly tables: readonly TableName[];
  readonly excludeDatabases: readonly string[];
  readonly excludeTables: readonly TableName[];
  readonly types: readonly string[];
}

export interface ScriptOptions {
  readonly mode: ConflictMode;
  /** What is made: the script, or the look at what it would find. */
  readonly format: 'script' | 'check';
  readonly guard: 'changed' | 'row' | 'none';
  readonly update: 'changed' | 'full';
  /** Whether rows may share statements. */
  readonly form: 'multi' | 'single';
  readonly target: 'source' | 'any';
  /** How rows of tables with triggers are put back: by statements, or by row events, which fire none. */
  readonly triggers: 'fire' | 'skip';
  readonly allow: ReadonlySet<Allowance>;
  /** How much one transaction of the script undoes. */
  readonly parts: 'whole' | 'transaction' | { readonly rows: number };
  /** The first part that is wanted, 1 for all. */
  readonly fromPart: number;
  /** Where the script notes that it was applied; null: nowhere. */
  readonly onceTable: TableName | null;
  /** Seconds; null: not given. */
  readonly wait: number | null;
  readonly failIfEmpty: boolean;
}

export interface FindOptions {
  readonly text: string | null;
  /** Operations that are looked at for a text, a user or a number of rows; null: not said. */
  readonly look: number | null;
  readonly limit: number;
  readonly before: string | null;
}

/** How many operations a search that no index helps looks at when nothing else ends it. */
export const DEFAULT_LOOK = 200_000;

export interface HistoryQuery {
  /** Null: all sources. */
  readonly source: string | null;
  readonly limit: number;
  /** Only what was asked for before this script or plan. */
  readonly before: string | null;
}

/** A name that reads back as the same table: parts with a dot or a backquote in backquotes. */
export function formatTable({ schema, table }: TableName): string {
  const part = (name: string): string => (/[.`]/.test(name) ? `\`${name.replaceAll('`', '``')}\`` : name);
  return `${part(schema)}.${part(table)}`;
}
