import type { TableName } from './reader.ts';

export type DdlVerb = 'CREATE' | 'ALTER' | 'DROP' | 'RENAME' | 'TRUNCATE';

export interface DdlStatement {
  readonly verb: DdlVerb;
  /** TABLE, INDEX, DATABASE, VIEW, TRIGGER, PROCEDURE, FUNCTION, EVENT, SEQUENCE, PACKAGE, ...: the word in the text (SCHEMA reads DATABASE). */
  readonly object: string;
  /** goInception's name for it, at most 20 characters: CREATETABLE, DROPINDEX, CREATEDB. */
  readonly type: string;
  /**
   * Tables (views and sequences live among them) that exist, existed or change through the statement: both names of a rename,
   * the table of an index or of CREATE TRIGGER, both sides of EXCHANGE and CONVERT PARTITION. Names as written.
   */
  readonly tables: readonly TableName[];
  /** In order of execution: `RENAME TABLE a TO b, c TO a` goes on from names that the pairs before it made. */
  readonly renames: readonly { readonly from: TableName; readonly to: TableName }[];
  /** The table whose definition CREATE TABLE ... LIKE copies. */
  readonly like: TableName | null;
  /** The named object where it is no table: index, trigger, routine, event, package. DROP TRIGGER does not tell its table. */
  readonly name: TableName | null;
  /** Of CREATE, ALTER and DROP DATABASE. */
  readonly database: string | null;
  readonly ifExists: boolean;
  readonly ifNotExists: boolean;
  readonly orReplace: boolean;
  readonly temporary: boolean;
  readonly likeOrSelect: 'like' | 'select' | null;
  /** MySQL's `CREATE TABLE ... START TRANSACTION`: the rows of CREATE TABLE ... SELECT follow in the same transaction. */
  readonly startTransaction: boolean;
  /** Rows go or come without rows events: TRUNCATE, DROP, OR REPLACE, partition and tablespace exchange. */
  readonly rowsOutsideLog: boolean;
  /** False when the text was not fully understood: then any table of any schema named, or of the default one, may have changed. */
  readonly certain: boolean;
}

/** What the readers of single statements fill in. */
export type DdlDraft = { -readonly [K in keyof Omit<DdlStatement, 'type' | 'certain' | 'tables' | 'renames'>]: DdlStatement[K] } & {
  tables: TableName[];
  renames: { from: TableName; to: TableName }[];
};
