import type { TableName } from '../binlog/sql/classify.ts';
import type { TableMap } from '../binlog/types.ts';
import type { Position } from '../core/position.ts';
import type { DdlEvent } from './ddl-event.ts';
import type { DdlServer } from './ddl-server.ts';
import type { SchemaDefaults, TableDefinition } from './definition.ts';
import type { DefinitionReading } from './tracked.ts';

/** What an earlier session left in the ledger. */
export interface AdoptedDefinitions {
  /** Where this session goes on. */
  readonly start: Position;
  /** What is proven was read on another server, whose data this one has: it is compared with this one's as well. */
  readonly carried: boolean;
  readonly proven: Iterable<{ readonly from: Position; readonly definition: TableDefinition | SchemaDefaults }>;
  readonly unproven: Iterable<{ readonly schema: string; readonly table: string; readonly from: Position }>;
  /** DDL that was to be run again, in order, with what was in force before it. */
  readonly replays: readonly AdoptedReplay[];
}

export interface AdoptedReplay {
  readonly event: DdlEvent;
  readonly before: readonly { readonly schema: string; readonly table: string; readonly from: Position; readonly definition: TableDefinition | SchemaDefaults | null }[];
  /** `open`: in force still. */
  readonly left: readonly { readonly schema: string; readonly table: string; readonly open: boolean }[];
}

export type DefinitionReader = (schema: string, table: string) => Promise<DefinitionReading>;

/** Readings of several tables with one pair of positions around them; null for a table that is gone. */
export interface SeedReading extends Pick<DefinitionReading, 'before' | 'after'> {
  readonly definitions: readonly (TableDefinition | SchemaDefaults | null)[];
}

export interface TrackerOptions {
  /** Reads a table's definition, or with an empty table what the schema gives new tables. */
  readonly read: DefinitionReader;
  readonly captures: (schema: string, table: string) => boolean;
  /** DDL is followed on all tables of such a schema: a table left out may be renamed to one that is not. */
  readonly capturesSchema: (schema: string) => boolean;
  /** Whether a definition may belong to rows under this TABLE_MAP. */
  readonly fits: (map: TableMap, definition: TableDefinition) => boolean;
  /** Where DDL is run again; null: nowhere. */
  readonly server: DdlServer | null;
  /** `drain` has something new that no row event will bring along. */
  readonly changed: () => void;
  /** The source cannot be asked; the tracker asks again with the table's next rows, or a little later. */
  readonly failed: (error: unknown) => void;
  /** The scratch server cannot be asked any more. */
  readonly broken: (error: unknown) => void;
  /** A DDL could not be run again: the source is asked instead. */
  readonly refused: (table: TableName, at: Position, why: string) => void;
  /** The source has a table otherwise than the replay made it. */
  readonly differs: (table: TableName) => void;
  /** More statements wait to be run again than may be (true), or few enough again (false). */
  readonly onPressure: (high: boolean) => void;
}
