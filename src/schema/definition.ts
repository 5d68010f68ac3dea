/** One column as information_schema.columns describes it, the parts that TABLE_MAP lacks included. */
export interface ColumnDefinition {
  readonly name: string;
  /** information_schema DATA_TYPE in lower case: `int`, `varchar`, `json`, `uuid`. */
  readonly dataType: string;
  /** information_schema COLUMN_TYPE as it stands: `int(10) unsigned`, `enum('a','b')`. */
  readonly columnType: string;
  readonly nullable: boolean;
  readonly characterSet: string | null;
  readonly collation: string | null;
  readonly generated: 'virtual' | 'stored' | null;
  readonly invisible: boolean;
  readonly autoIncrement: boolean;
  /** DEFAULT or ON UPDATE sets the current time by itself when an UPDATE does not name the column. */
  readonly onUpdateNow: boolean;
  /** An INSERT may leave it out: it has a default, may be NULL, numbers itself or is computed. */
  readonly hasDefault: boolean;
  /** MariaDB system versioning: `start` or `end` of the row's period. */
  readonly rowPeriod: 'start' | 'end' | null;
}

export interface KeyDefinition {
  readonly name: string;
  readonly primary: boolean;
  readonly unique: boolean;
  /** In key order; `column` null for an expression, `prefix` null for the whole column. */
  readonly parts: readonly { readonly column: string | null; readonly prefix: number | null }[];
}

/** A table's definition as read from its server. Stored as JSON in the ledger: plain data only. */
export interface TableDefinition {
  readonly schema: string;
  readonly table: string;
  readonly engine: string;
  readonly transactional: boolean;
  /** In ordinal order, generated and invisible ones included: as TABLE_MAP counts them. */
  readonly columns: readonly ColumnDefinition[];
  readonly keys: readonly KeyDefinition[];
  readonly systemVersioned: boolean;
  readonly sequence: boolean;
  /** Names of the table's triggers at the time of reading. */
  readonly triggers: readonly string[];
  /** What SHOW CREATE TABLE prints, in a session as `core/mysql.ts` opens it; empty where only the catalogue was asked. */
  readonly sql: string;
}

/** What a schema gives its new tables. Stands in the history as a table without a name. */
export interface SchemaDefaults {
  readonly schema: string;
  readonly table: '';
  readonly collation: string;
}
