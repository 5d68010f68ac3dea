/** One random case: tables, what is done to them before the window, and what is done inside it. Plain data, so that it shrinks and prints. */
export interface CaseSpec {
  readonly tables: readonly TableSpec[];
  readonly prelude: readonly TransactionSpec[];
  readonly window: readonly TransactionSpec[];
}

export interface TableSpec {
  readonly columns: readonly ColumnSpec[];
  readonly keys: readonly KeySpec[];
  /** What follows the columns. */
  readonly option: '' | 'ROW_FORMAT=REDUNDANT' | 'PARTITION BY KEY () PARTITIONS 3';
  /** Appended to the table's name. */
  readonly suffix: string;
  /** A generated column over the first column. */
  readonly generated: '' | 'VIRTUAL' | 'STORED';
  /** What the generated column is a part of; 'expression': a key of its own over the same expression (MySQL). */
  readonly generatedKey: '' | 'KEY' | 'UNIQUE KEY' | 'expression';
  /** A TIMESTAMP that changes by itself. */
  readonly touched: boolean;
  readonly autoIncrement: boolean;
}

export interface ColumnSpec {
  readonly type: string;
  /** SQL expressions that the statements below pick from. */
  readonly pool: readonly string[];
  readonly notNull: boolean;
  readonly invisible: boolean;
  readonly name: string;
}

export interface KeySpec {
  readonly kind: 'PRIMARY KEY' | 'UNIQUE KEY' | 'KEY';
  /** Columns by number, modulo how many there are. */
  readonly columns: readonly number[];
  readonly prefix: number;
}

export type Ending = 'autocommit' | 'commit' | 'rollback' | 'xa' | 'xa-one-phase' | 'xa-rollback';

export interface TransactionSpec {
  readonly ending: Ending;
  readonly steps: readonly StepSpec[];
  /** MySQL: the whole transaction in one compressed event. */
  readonly compressed: boolean;
  /** A form of row image from which every byte of an undo can still be told: MySQL and MariaDB 11.8 have one each. */
  readonly image: '' | 'PARTIAL_JSON' | 'FULL_NODUP';
}

export const STEP_KINDS = [
  'insert', 'insert', 'insert', 'replace', 'upsert', 'update', 'update', 'update', 'json-set', 'copy-column', 'shift', 'delete', 'insert-select',
  'update-join', 'delete-join', 'savepoint', 'rollback-to',
] as const;

export interface StepSpec {
  readonly kind: (typeof STEP_KINDS)[number];
  readonly table: number;
  /** Picks from the pools, row by row; 0 is NULL. */
  readonly rows: readonly (readonly number[])[];
  /** Columns to set or to look at. */
  readonly columns: readonly number[];
  readonly where: 'all' | 'equal' | 'null';
  readonly limit: number;
  readonly ignore: boolean;
}
