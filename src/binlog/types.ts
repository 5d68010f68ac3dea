/** Column type codes as TABLE_MAP carries them (MySQL field_types.h; 242 since MySQL 9.0, MariaDB compressed 140 and 141). */
export const ColumnType = {
  DECIMAL: 0, TINY: 1, SHORT: 2, LONG: 3, FLOAT: 4, DOUBLE: 5, NULL: 6, TIMESTAMP: 7, LONGLONG: 8, INT24: 9,
  DATE: 10, TIME: 11, DATETIME: 12, YEAR: 13, NEWDATE: 14, VARCHAR: 15, BIT: 16, TIMESTAMP2: 17, DATETIME2: 18, TIME2: 19,
  BLOB_COMPRESSED: 140, VARCHAR_COMPRESSED: 141,
  VECTOR: 242, JSON: 245, NEWDECIMAL: 246, ENUM: 247, SET: 248, TINY_BLOB: 249, MEDIUM_BLOB: 250, LONG_BLOB: 251,
  BLOB: 252, VAR_STRING: 253, STRING: 254, GEOMETRY: 255,
} as const;

/** One column as TABLE_MAP describes it. `null` means that this binlog_row_metadata setting does not tell. */
export interface TableMapColumn {
  /** The type after unpacking STRING's metadata: ENUM and SET columns arrive as STRING and stand here as themselves. */
  readonly type: number;
  /**
   * Type metadata: byte length limit (VARCHAR, STRING), length size (BLOB, JSON, GEOMETRY, VECTOR), pack length (ENUM, SET),
   * fractional digits (TIME2 and its kin), `precision << 8 | scale` (NEWDECIMAL), `bytes << 8 | bits` (BIT).
   */
  readonly meta: number;
  readonly nullable: boolean;
  readonly unsigned: boolean | null;
  /** Collation id of character columns (63 is binary). */
  readonly collation: number | null;
  readonly name: string | null;
  /** ENUM or SET members, in the column's own character set, as bytes. */
  readonly members: readonly Buffer[] | null;
  readonly visible: boolean | null;
}

/** A parsed TABLE_MAP event (MySQL: libbinlogevents rows_event.h, Table_map_event; MariaDB: the same with its own numbers). */
export interface TableMap {
  readonly tableId: number;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly TableMapColumn[];
  /** Column indexes of the primary key, in key order; `prefix` in characters, 0 for the whole column. */
  readonly primaryKey: readonly { readonly column: number; readonly prefix: number }[] | null;
  /** `full` carries names; `minimal` signedness and collations; `none` (MariaDB NO_LOG, old servers) nothing. */
  readonly metadata: 'none' | 'minimal' | 'full';
}

export type RowsKind = 'insert' | 'update' | 'delete';

/**
 * A rows event over its raw bytes. Views into `buffer`: valid only as long as the caller owns it.
 * Row layout (MySQL rows_event.h): for each row one image (insert, delete) or two (update: before, after);
 * an image is a null bitmap over the *present* columns, rounded up to bytes, then the non-null values in order.
 */
export interface RowsEvent {
  readonly kind: RowsKind;
  readonly tableId: number;
  readonly flags: number;
  readonly columnCount: number;
  readonly buffer: Buffer;
  /** Where the bitmap of present columns of the first (or only) image starts: (columnCount + 7) >> 3 bytes. */
  readonly presentAt: number;
  /** The same for the after image of an update; equal to `presentAt` otherwise. */
  readonly presentAfterAt: number;
  /** First byte of the first row, and one past the last row. */
  readonly rowsStart: number;
  readonly rowsEnd: number;
  /**
   * PARTIAL_UPDATE_ROWS: each after image begins with its value options (length-encoded); if bit 0 is set, a bitmap follows
   * with one bit for each JSON column, and a set bit means that the column holds differences instead of a value.
   */
  readonly partialJson: boolean;
}

/** Rows-event flags (MySQL rows_event.h). */
export const RowsFlag = { STATEMENT_END: 0x01, NO_FOREIGN_KEY_CHECKS: 0x02, RELAXED_UNIQUE_CHECKS: 0x04, SQL_FOREIGN_KEYS: 0x10 } as const;
