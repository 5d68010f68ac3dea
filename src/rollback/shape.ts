import type { TableDefinition } from '../schema/definition.ts';
import type { Charset } from './charsets.ts';
import type { Relabelling } from './literals/labels.ts';

/** How a column's bytes are read and written: one literal form each. */
export type ColumnKind =
  | 'int' | 'decimal' | 'float' | 'double' | 'bit' | 'year'
  | 'date' | 'time' | 'datetime' | 'timestamp'
  | 'time-classic' | 'datetime-classic' | 'timestamp-classic'
  | 'text' | 'binary' | 'varbinary' | 'enum' | 'set'
  | 'json' | 'geometry' | 'vector' | 'uuid' | 'inet4' | 'inet6';

export interface ColumnShape {
  readonly index: number;
  readonly name: string;
  readonly kind: ColumnKind;
  /** Type and metadata as in TableMapColumn: they say how long a value is. */
  readonly type: number;
  readonly meta: number;
  readonly unsigned: boolean;
  readonly nullable: boolean;
  /** Of 'text' columns. */
  readonly charset: Charset | null;
  /** Of an ENUM or SET whose list of members is another one now; else null. */
  readonly relabelling: Relabelling | null;
  /** The charset that the column has now, where the text's bytes are others in it; else null. */
  readonly storedAs: string | null;
  /** MariaDB COLUMN_FORMAT COMPRESSED: the value is a header and zlib data. */
  readonly compressed: boolean;
  /** Fractional digits of temporal kinds; of FLOAT(M,D) and DOUBLE(M,D) the declared ones, else -1. */
  readonly fraction: number;
  readonly generated: boolean;
  readonly autoIncrement: boolean;
  readonly onUpdateNow: boolean;
  /** Part of some key: an indexable comparison is worth writing beside the byte-exact one. */
  readonly indexed: boolean;
}

export interface KeyShape {
  readonly kind: 'primary' | 'unique' | 'none';
  /** Column indexes, in key order; empty for 'none'. */
  readonly columns: readonly number[];
}

/** A TABLE_MAP and a definition that were proven to fit: all that is needed to render rows of this table. */
export interface TableShape {
  /** The name that the table has now. */
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly ColumnShape[];
  readonly key: KeyShape;
  /** Columns that have come since without a default, and what ALTER TABLE put into the rows that were there. */
  readonly fillers: readonly { readonly name: string; readonly value: string }[];
  readonly definition: TableDefinition;
}
