import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { quoteName, quoteTable } from '../core/identifiers.ts';
import { row, rows, run } from '../core/mysql.ts';
import { INFORMATION_TABLE } from '../core/undo-tables.ts';
import type { Ledger } from '../store/ledger.ts';
import type { SourceRecord } from '../store/registry.ts';
import { backupDatabaseName } from './backup-name.ts';

/** The 12 columns are a contract with other writers, which insert without a column list: never add a visible one. */
const INFORMATION_COLUMNS = `opid_time varchar(50) NOT NULL, start_binlog_file varchar(512) NOT NULL, start_binlog_pos bigint unsigned NOT NULL,
  end_binlog_file varchar(512) NOT NULL, end_binlog_pos bigint unsigned NOT NULL, sql_statement mediumtext NOT NULL, host varchar(128) NOT NULL,
  dbname varchar(64) NOT NULL, tablename varchar(64) NOT NULL, port int unsigned NOT NULL, time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  type varchar(20) NOT NULL, PRIMARY KEY (opid_time)`;

/** A binary collation on opid_time is invisible to readers and was measured to be worth 40 % on MySQL. */
const BACKUP_COLUMNS = `id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, rollback_statement longtext NOT NULL,
  opid_time varchar(50) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, KEY idx_opid_time (opid_time)`;

const OPTIONS = 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4';

/** What an information table, perhaps one made by goInception years ago, can take. */
export interface InformationLimits {
  readonly statementBytes: number;
  readonly hostCharacters: number;
}

export interface BackupDatabase {
  readonly name: string;
  readonly limits: InformationLimits;
}

/** Makes and remembers the backup databases and tables. Owns its connection: DDL would commit an open batch. */
export class BackupTables {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #source: SourceRecord;
  readonly #beforeCreate: (database: string) => void;
  readonly #databases = new Map<string, BackupDatabase>();
  readonly #tables = new Set<string>();

  /** @param beforeCreate told of each backup database before it exists, so that capture leaves it alone. */
  constructor(connection: Connection, ledger: Ledger, source: SourceRecord, beforeCreate: (database: string) => void) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#source = source;
    this.#beforeCreate = beforeCreate;
  }

  /** The backup database of a schema with its information table. @throws UndoError BACKUP_DATABASE_CLAIMED, BACKUP_NAME_TOO_LONG. */
  async database(schema: string): Promise<BackupDatabase> {
    const known = this.#databases.get(schema);
    if (known) return known;
    const name = backupDatabaseName(this.#source.label, this.#source.labelPort, schema);
    await this.#claim(name, schema);
    this.#beforeCreate(name);
    await this.#connection.query(`CREATE DATABASE IF NOT EXISTS ${quoteName(name)} CHARACTER SET utf8mb4`);
    await this.#connection.query(`CREATE TABLE IF NOT EXISTS ${quoteTable(name, INFORMATION_TABLE)} (${INFORMATION_COLUMNS}) ${OPTIONS}`);
    const database = { name, limits: await this.#limits(name) };
    this.#databases.set(schema, database);
    return database;
  }

  /** Makes sure that the backup table of a source table is there. @throws UndoError BACKUP_TABLE_FOREIGN. */
  async table(schema: string, table: string): Promise<BackupDatabase> {
    const database = await this.database(schema);
    const key = `${database.name}.${table}`;
    if (this.#tables.has(key)) return database;
    await this.#connection.query(`CREATE TABLE IF NOT EXISTS ${quoteTable(database.name, table)} (${BACKUP_COLUMNS}) ${OPTIONS}`);
    const columns = await this.#columns(database.name, table);
    if (!columns.has('rollback_statement') || !columns.has('opid_time')) {
      throw new UndoError('BACKUP_TABLE_FOREIGN', `${quoteTable(database.name, table)} lacks rollback_statement or opid_time.`);
    }
    this.#tables.add(key);
    return database;
  }

  async #claim(name: string, schema: string): Promise<void> {
    const claims = this.#ledger.table('claims');
    await run(this.#connection, `INSERT IGNORE INTO ${claims} (backup_database, source_id, schema_name) VALUES (?, ?, ?)`, [name, this.#source.id, schema]);
    const owner = await row<{ source_id: number; schema_name: string }>(
      this.#connection, `SELECT source_id, schema_name FROM ${claims} WHERE backup_database = ?`, [name]);
    if (Number(owner?.source_id) !== this.#source.id || owner?.schema_name !== schema) {
      throw new UndoError('BACKUP_DATABASE_CLAIMED', `The backup database "${name}" belongs to schema "${owner?.schema_name ?? '?'}" of another source or spelling.`);
    }
  }

  async #columns(database: string, table: string): Promise<Map<string, { type: string; length: number }>> {
    const found = await rows<{ name: string; type: string; length: string | number | null }>(this.#connection,
      `SELECT column_name AS name, data_type AS type, character_maximum_length AS length FROM information_schema.columns
       WHERE table_schema = ? AND table_name = ?`, [database, table]);
    return new Map(found.map(({ name, type, length }) => [name.toLowerCase(), { type, length: Number(length) }]));
  }

  async #limits(database: string): Promise<InformationLimits> {
    const columns = await this.#columns(database, INFORMATION_TABLE);
    const statement = columns.get('sql_statement');
    if (columns.size < 12 || !statement) {
      throw new UndoError('BACKUP_TABLE_FOREIGN', `${quoteTable(database, INFORMATION_TABLE)} does not have goInception's 12 columns.`);
    }
    return { statementBytes: statement.length, hostCharacters: columns.get('host')?.length ?? 64 };
  }
}
