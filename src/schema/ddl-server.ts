import type { TableName } from '../binlog/sql/classify.ts';
import type { DatabaseOptions } from '../binlog/sql/database-options.ts';
import type { ReplayableDdl } from './ddl-event.ts';
import type { TableDefinition } from './definition.ts';

/** A definition in force before the statement, from which an empty copy is made. */
export interface ReplayBase {
  readonly schema: string;
  readonly table: string;
  readonly sql: string;
}

export interface ReplayTask {
  readonly ddl: ReplayableDdl;
  readonly bases: readonly ReplayBase[];
  /** Collation that a new table gets where the statement names none, by schema; none for a schema of which it is not known. */
  readonly defaults: ReadonlyMap<string, string>;
  /** Tables that may be there afterwards. */
  readonly left: readonly TableName[];
}

export type ReplayOutcome =
  /** One for each of `left`, in that order; null: it is not there. */
  | { readonly definitions: readonly (TableDefinition | null)[] }
  | { readonly failed: string };

/** A server that can run DDL of the source again. */
export interface DdlServer {
  readonly flavour: 'mysql' | 'mariadb';
  replay(task: ReplayTask): Promise<ReplayOutcome>;
  /** The collation of a schema made with these options in the statement's session; null where this server has it not. */
  defaultCollation(ddl: ReplayableDdl, options: DatabaseOptions): Promise<string | null>;
  /** Nothing is to be run for a while: what was kept for the next statement goes. */
  rest(): Promise<void>;
}
