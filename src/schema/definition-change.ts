import type { Position } from '../core/position.ts';
import type { ReplayableDdl } from './ddl-event.ts';
import type { SchemaDefaults, TableDefinition } from './definition.ts';

interface OfTable {
  readonly schema: string;
  /** Empty: what the schema gives new tables. */
  readonly table: string;
}

/** What the ledger's history of definitions must learn, in order. All but `replayed` and `unreplayed` mean the entry in force. */
export type DefinitionChange =
  /** Rows came of a table that is about to be read. */
  | OfTable & { readonly kind: 'seen'; readonly from: Position }
  /** Read ahead of any rows. */
  | OfTable & { readonly kind: 'seeded'; readonly from: Position; readonly readAt: Position; readonly definition: TableDefinition | SchemaDefaults }
  | OfTable & { readonly kind: 'read'; readonly readAt: Position; readonly definition: TableDefinition | SchemaDefaults | null }
  | OfTable & { readonly kind: 'proven' }
  | OfTable & { readonly kind: 'moved'; readonly from: Position }
  | OfTable & { readonly kind: 'discarded' }
  /** DDL made it what is to be found out by running the DDL again. */
  | OfTable & { readonly kind: 'replaying'; readonly from: Position; readonly ddl: ReplayableDdl }
  /** That is done; null: there is no such table. */
  | OfTable & { readonly kind: 'replayed'; readonly from: Position; readonly definition: TableDefinition | SchemaDefaults | null }
  /** It could not be done. */
  | OfTable & { readonly kind: 'unreplayed'; readonly from: Position }
  /** The source says otherwise, and no DDL lies between. */
  | OfTable & { readonly kind: 'corrected'; readonly definition: TableDefinition | SchemaDefaults }
  /** `table` null: all of the schema. */
  | { readonly kind: 'superseded'; readonly schema: string; readonly table: string | null; readonly at: Position };
