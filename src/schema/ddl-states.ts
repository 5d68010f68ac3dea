import type { TableName } from '../binlog/sql/classify.ts';
import type { TableDefinition } from './definition.ts';

/** What is known of a table around a statement; null: it was not there; undefined: not known. */
export interface DdlStates {
  before(table: TableName): TableDefinition | null | undefined;
  after(table: TableName): TableDefinition | null | undefined;
}
