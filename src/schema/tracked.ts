import type { TableMap } from '../binlog/types.ts';
import type { Position } from '../core/position.ts';
import type { SchemaDefaults, TableDefinition } from './definition.ts';

/** A definition as it was read: in force at some moment between two positions of the source. */
export interface DefinitionReading {
  /** Null: there was no such table. */
  readonly definition: TableDefinition | SchemaDefaults | null;
  readonly before: Position;
  readonly after: Position;
}

/** One entry of the history: a definition known or to be known, in force from `from` on. */
export interface Tracked {
  readonly schema: string;
  /** Empty: what the schema gives new tables; proven, all tables of the schema are tracked. */
  readonly table: string;
  from: Position;
  /** `reading`: the source is being asked. `read`: it answered, and the stream has not passed that yet. */
  state: 'reading' | 'read' | 'replaying' | 'proven';
  reading: DefinitionReading | null;
  transactional: boolean | null;
  /** The definition as last read or made, as JSON: there may be very many. Null: none, or not known. */
  text: string | null;
  /** `text` once somebody has asked for it. */
  definition: TableDefinition | null;
  /** Whether the ledger has it, or gets it with the rows that arrive: whoever finds rows there must know that it is to come. */
  noted: boolean;
  /** The last TABLE_MAP met since `from`, for entries made by a replay. */
  map: TableMap | null;
  /** A definition that a replay gave, or another server before failover, and that the source has not confirmed yet. */
  replayed: TableDefinition | null;
}

export function newTracked(schema: string, table: string, from: Position, state: Tracked['state']): Tracked {
  return { schema, table, from, state, reading: null, transactional: null, text: null, definition: null, noted: true, map: null, replayed: null };
}

/** Takes a definition into an entry. */
export function take(tracked: Tracked, definition: TableDefinition | SchemaDefaults | null): void {
  tracked.text = definition === null ? null : JSON.stringify(definition);
  tracked.definition = null;
  tracked.transactional = definition !== null && 'transactional' in definition ? definition.transactional : null;
}

/** The definition of a table; null where it is not known, and for schemas. */
export function tableDefinition(tracked: Tracked): TableDefinition | null {
  if (tracked.text === null || tracked.table === '') return null;
  return tracked.definition ??= JSON.parse(tracked.text) as TableDefinition;
}

export function collationOf({ table, text }: Tracked): string | null {
  return text === null || table !== '' ? null : (JSON.parse(text) as SchemaDefaults).collation;
}

export function tableKey(schema: string, table: string): string {
  return `${schema}\0${table}`;
}

/** Without the counter, which rows move. */
export function sameDefinition(a: TableDefinition, b: TableDefinition): boolean {
  const plain = (definition: TableDefinition): string => JSON.stringify({ ...definition, sql: definition.sql.replace(/ AUTO_INCREMENT=\d+/, '') });
  return plain(a) === plain(b);
}

/** The same for rows: servers of two versions may print one definition in two ways. */
export function sameShape(a: TableDefinition, b: TableDefinition): boolean {
  return JSON.stringify([a.columns, a.keys, a.transactional]) === JSON.stringify([b.columns, b.keys, b.transactional]);
}
