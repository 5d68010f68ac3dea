import type { DdlStatement, TableName } from '../binlog/sql/classify.ts';
import type { StatusVars } from '../binlog/status-vars.ts';
import type { Position } from '../core/position.ts';

/** What of a session decides what its DDL makes, as the event tells it. */
export type DdlSession = Pick<StatusVars,
  'sqlMode' | 'clientCharset' | 'connectionCollation' | 'serverCollation' | 'defaultUtf8mb4Collation' | 'characterSetCollations' | 'timeZone'
  | 'explicitDefaultsForTimestamp'>;

/** A DDL so that it can be run again. Kept in the ledger until that has been done: plain data only. */
export interface ReplayableDdl {
  readonly sql: string;
  /** The session's default schema. */
  readonly schema: string;
  readonly session: DdlSession;
}

/** A DDL statement that took effect. */
export interface DdlEvent {
  readonly statement: DdlStatement;
  readonly schema: string;
  /** The end of its event. */
  readonly at: Position;
  /** Null where the event does not tell enough: a later code, a failed statement, text that is not UTF-8. */
  readonly replayable: ReplayableDdl | null;
}

export interface QueryFacts {
  readonly sql: Buffer;
  readonly schema: string;
  readonly errorCode: number;
  readonly status: StatusVars;
}

export function replayableDdl({ sql, schema, errorCode, status }: QueryFacts): ReplayableDdl | null {
  if (errorCode !== 0 || !status.complete) return null;
  const text = sql.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(sql)) return null;
  const { sqlMode, clientCharset, connectionCollation, serverCollation, defaultUtf8mb4Collation, characterSetCollations, timeZone, explicitDefaultsForTimestamp } = status;
  return {
    sql: text, schema,
    session: { sqlMode, clientCharset, connectionCollation, serverCollation, defaultUtf8mb4Collation, characterSetCollations, timeZone, explicitDefaultsForTimestamp },
  };
}

export interface TablesReach {
  readonly kind: 'tables';
  /** Whose definitions it ends. */
  readonly touched: readonly TableName[];
  /** What it goes on from, where they are there; `needed` must be. */
  readonly bases: readonly TableName[];
  readonly needed: readonly TableName[];
  /** Tables that are there afterwards, as far as its text tells. */
  readonly left: readonly TableName[];
}

/** What a statement can do to definitions. */
export type DdlReach =
  | { readonly kind: 'nothing' }
  /** Any table of the schema, or of all of them. */
  | { readonly kind: 'schema'; readonly schema: string }
  | TablesReach
  /** CREATE and ALTER DATABASE: what its later tables get by default. */
  | { readonly kind: 'defaults'; readonly schema: string; readonly creates: boolean };

/** Objects without rows, and triggers, which are asked for when a script is made. */
const SHAPELESS = new Set(['VIEW', 'TRIGGER', 'PROCEDURE', 'FUNCTION', 'EVENT', 'PACKAGE']);

export function reachOf(statement: DdlStatement, schema: string): DdlReach {
  if (!statement.certain) return { kind: 'schema', schema: statement.database ?? schema };
  const { database, verb, object, tables, like, renames } = statement;
  if (database !== null) return verb === 'DROP' ? { kind: 'schema', schema: database } : { kind: 'defaults', schema: database, creates: verb === 'CREATE' };
  if (SHAPELESS.has(object) || verb === 'TRUNCATE') return { kind: 'nothing' };
  if (tables.length === 0) return { kind: 'schema', schema };
  const touched = distinct(tables);
  if (verb === 'DROP' && object !== 'INDEX') return { kind: 'tables', touched, bases: [], needed: [], left: [] };
  if (renames.length > 0) {
    const { needed, left } = afterRenames(renames);
    return { kind: 'tables', touched, bases: needed, needed, left };
  }
  if (verb !== 'CREATE' || object === 'INDEX') return { kind: 'tables', touched, bases: touched, needed: touched.slice(0, 1), left: touched };
  const needed = like === null ? [] : [like];
  return { kind: 'tables', touched, bases: needed, needed, left: touched };
}

/** The entries that running a statement again starts from; those of schemas have no table name. */
export function inputsOf(statement: DdlStatement, schema: string): readonly TableName[] {
  const reach = reachOf(statement, schema);
  if (reach.kind === 'defaults') return reach.creates ? [] : [{ schema: reach.schema, table: '' }];
  if (reach.kind !== 'tables' || reach.left.length === 0) return [];
  return [...reach.bases, { schema: reach.left[0]!.schema, table: '' }];
}

/** Pair by pair, each going on from the names that those before it made. */
function afterRenames(renames: DdlStatement['renames']): { needed: TableName[]; left: TableName[] } {
  const needed: TableName[] = [];
  let left: TableName[] = [];
  for (const { from, to } of renames) {
    if (!left.some((name) => same(name, from))) needed.push(from);
    left = [...left.filter((name) => !same(name, from)), to];
  }
  // A name may be given twice where the pair before had nothing to rename.
  return { needed, left: distinct(left) };
}

function same(a: TableName, b: TableName): boolean {
  return a.schema === b.schema && a.table === b.table;
}

function distinct(names: readonly TableName[]): TableName[] {
  return names.filter((name, i) => names.findIndex((other) => same(name, other)) === i);
}
