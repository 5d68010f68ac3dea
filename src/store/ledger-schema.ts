import { quoteTable } from '../core/identifiers.ts';
import { LEDGER_MARK_TABLE } from '../core/undo-tables.ts';

/** Version of the tables below. An older ledger is refused until `binlog-undo migrate`, never changed on the side. */
export const LEDGER_VERSION = 1;
/** The oldest version whose programs work on these tables: one below while the last change only added something. */
export const LEDGER_COMPATIBLE_FROM = 1;

const NAME = 'VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
const ASCII = (length: number): string => `VARCHAR(${length}) CHARACTER SET ascii COLLATE ascii_bin`;
const FILE = 'VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
const TABLE_OPTIONS = 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin';

/**
 * The ledger's tables, by name. Offsets and ordinals are BIGINT UNSIGNED, times microseconds since the epoch.
 * `ordinal` is the gapless commit order of one source's transactions and the only order there is.
 */
const TABLES: Readonly<Record<string, string>> = {
  [LEDGER_MARK_TABLE]: 'version INT UNSIGNED NOT NULL PRIMARY KEY, compatible_from INT UNSIGNED NOT NULL, created DATETIME(6) NOT NULL',
  // label and label_port name the backup databases for good, also after the host changed by failover.
  sources: `id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, alias ${NAME} NOT NULL UNIQUE, flavour ${ASCII(10)} NOT NULL,
    label VARCHAR(255) NOT NULL, label_port INT UNSIGNED NOT NULL, created DATETIME(6) NOT NULL`,
  // One life of a source's binlog: file:offset and thread ids mean something only inside one. start_gtids: what the log had
  // from the life before, which this one's binlog may hold once more. last_*: how far it was followed; NULL while it is the present one.
  incarnations: `id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, source_id INT UNSIGNED NOT NULL, server_uuid ${ASCII(36)} NULL,
    server_id INT UNSIGNED NOT NULL, version VARCHAR(128) NOT NULL, first_file ${FILE} NOT NULL, first_offset BIGINT UNSIGNED NOT NULL,
    last_file ${FILE} NULL, last_offset BIGINT UNSIGNED NULL, first_ordinal BIGINT UNSIGNED NOT NULL, start_gtids LONGTEXT NULL, created DATETIME(6) NOT NULL, KEY (source_id, id)`,
  checkpoints: `source_id INT UNSIGNED NOT NULL PRIMARY KEY, epoch BIGINT UNSIGNED NOT NULL, incarnation_id INT UNSIGNED NOT NULL,
    file ${FILE} NOT NULL, file_offset BIGINT UNSIGNED NOT NULL, anchor VARCHAR(1000) NULL, gtid_set LONGTEXT NULL, next_ordinal BIGINT UNSIGNED NOT NULL,
    next_block BIGINT UNSIGNED NOT NULL, commit_micros BIGINT NOT NULL, leader VARCHAR(1000) NULL, updated DATETIME(6) NOT NULL`,
  // script_id: the script of ours that this was a run of, told by its mark.
  transactions: `source_id INT UNSIGNED NOT NULL, ordinal BIGINT UNSIGNED NOT NULL, incarnation_id INT UNSIGNED NOT NULL, gtid ${ASCII(150)} NULL,
    start_file ${FILE} NOT NULL, start_number INT UNSIGNED NOT NULL, start_offset BIGINT UNSIGNED NOT NULL,
    end_file ${FILE} NOT NULL, end_number INT UNSIGNED NOT NULL, end_offset BIGINT UNSIGNED NOT NULL,
    commit_micros BIGINT NOT NULL, stated_seconds INT UNSIGNED NOT NULL, thread_id BIGINT UNSIGNED NOT NULL, server_id INT UNSIGNED NOT NULL,
    tag INT UNSIGNED NOT NULL, operation_count INT UNSIGNED NOT NULL, first_block BIGINT UNSIGNED NULL, last_block BIGINT UNSIGNED NULL,
    rows_file ${FILE} NULL, script_id ${ASCII(16)} NULL, PRIMARY KEY (source_id, ordinal), KEY by_time (source_id, commit_micros), KEY by_thread (source_id, thread_id, ordinal),
    KEY by_position (source_id, incarnation_id, start_number, start_offset), KEY by_gtid (gtid), KEY by_script (script_id),
    KEY by_block (source_id, first_block, last_block)`,
  // default_schema, sql_mode: of DDL, to read its text with. remark: why DDL cannot be undone, or what its undo does not bring back.
  // by_ddl: scripts ask for the few DDLs behind what they undo; it grows in the order of commits, so that it costs capture little.
  operations: `source_id INT UNSIGNED NOT NULL, ordinal BIGINT UNSIGNED NOT NULL, seq INT UNSIGNED NOT NULL, opid ${ASCII(50)} NOT NULL,
    schema_name ${NAME} NOT NULL, table_name ${NAME} NOT NULL, type ${ASCII(20)} NOT NULL, ddl TINYINT NOT NULL, seconds INT UNSIGNED NOT NULL,
    inserted BIGINT UNSIGNED NOT NULL, updated BIGINT UNSIGNED NOT NULL, deleted BIGINT UNSIGNED NOT NULL,
    statement MEDIUMBLOB NULL, statement_bytes INT UNSIGNED NOT NULL, statement_charset SMALLINT UNSIGNED NULL, state ${ASCII(32)} NOT NULL,
    default_schema ${NAME} NULL, sql_mode BIGINT UNSIGNED NULL, remark TEXT NULL,
    PRIMARY KEY (source_id, ordinal, seq), KEY by_opid (opid), KEY by_table (source_id, schema_name, table_name, ordinal),
    KEY by_ddl (source_id, ddl, ordinal)`,
  blocks: `source_id INT UNSIGNED NOT NULL, block BIGINT UNSIGNED NOT NULL, part INT UNSIGNED NOT NULL, codec TINYINT UNSIGNED NOT NULL,
    raw_bytes INT UNSIGNED NOT NULL, data LONGBLOB NOT NULL, PRIMARY KEY (source_id, block, part)`,
  // Hashes of the keys that a block's rows of one table had and got (key-set.ts), and the ordinals that its transactions can have,
  // XA ones aside. Each table that has rows in a block has a set here.
  block_keys: `source_id INT UNSIGNED NOT NULL, block BIGINT UNSIGNED NOT NULL, part INT UNSIGNED NOT NULL, schema_name ${NAME} NOT NULL, table_name ${NAME} NOT NULL,
    from_ordinal BIGINT UNSIGNED NOT NULL, to_ordinal BIGINT UNSIGNED NOT NULL, data LONGBLOB NOT NULL, PRIMARY KEY (source_id, block, part)`,
  gaps: `id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, source_id INT UNSIGNED NOT NULL, incarnation_id INT UNSIGNED NOT NULL,
    reason ${ASCII(32)} NOT NULL, schema_name ${NAME} NULL, table_name ${NAME} NULL,
    from_file ${FILE} NULL, from_offset BIGINT UNSIGNED NULL, to_file ${FILE} NOT NULL, to_offset BIGINT UNSIGNED NOT NULL,
    ordinal BIGINT UNSIGNED NOT NULL, from_micros BIGINT NULL, to_micros BIGINT NOT NULL, detail TEXT NOT NULL, noted DATETIME(6) NOT NULL,
    acknowledged DATETIME(6) NULL, note TEXT NULL, KEY (source_id, ordinal)`,
  // How far retention has removed history, by scope: schema_name '' is everything, table_name '' a whole schema; the narrowest
  // row counts. Ordinals below `ordinal` are given up, which is all that lies before the position in that incarnation; those below
  // `swept` are deleted already.
  purges: `source_id INT UNSIGNED NOT NULL, schema_name ${NAME} NOT NULL, table_name ${NAME} NOT NULL, ordinal BIGINT UNSIGNED NOT NULL,
    swept BIGINT UNSIGNED NOT NULL, incarnation_id INT UNSIGNED NOT NULL, file ${FILE} NOT NULL, file_offset BIGINT UNSIGNED NOT NULL,
    commit_micros BIGINT NOT NULL, updated DATETIME(6) NOT NULL, PRIMARY KEY (source_id, schema_name, table_name)`,
  // The history of table definitions; table_name '': what the schema gives new tables. until_* NULL: in force. proven: no DDL lies
  // between from_* and the reading. ddl: the statement that made it, while that has still to be run again to know what it made.
  definitions: `id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, source_id INT UNSIGNED NOT NULL, incarnation_id INT UNSIGNED NOT NULL,
    schema_name ${NAME} NOT NULL, table_name ${NAME} NOT NULL, from_number INT UNSIGNED NOT NULL, from_offset BIGINT UNSIGNED NOT NULL,
    read_number INT UNSIGNED NOT NULL, read_offset BIGINT UNSIGNED NOT NULL, until_number INT UNSIGNED NULL, until_offset BIGINT UNSIGNED NULL,
    proven TINYINT NOT NULL, definition LONGTEXT NULL, ddl LONGTEXT NULL, KEY (source_id, schema_name, table_name),
    KEY by_state (source_id, incarnation_id, proven)`,
  // The history of what has no rows: views, routines, events, sequences, the triggers of a table (called by it), the options of a
  // database. kind SCHEMA: from here on what has no entry is not there. proven 0: it was there, and what it was is not known.
  objects: `id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, source_id INT UNSIGNED NOT NULL, incarnation_id INT UNSIGNED NOT NULL,
    schema_name ${NAME} NOT NULL, kind ${ASCII(16)} NOT NULL, name ${NAME} NOT NULL, from_number INT UNSIGNED NOT NULL, from_offset BIGINT UNSIGNED NOT NULL,
    until_number INT UNSIGNED NULL, until_offset BIGINT UNSIGNED NULL, proven TINYINT NOT NULL, definition LONGTEXT NULL,
    KEY (source_id, incarnation_id, schema_name, until_number), KEY by_name (source_id, incarnation_id, schema_name, kind, name)`,
  // Tables that an online schema change fills (gh-ost, pt-online-schema-change), or notes its work in (kind 'log'); their rows are counted and not
  // kept. ended_seconds NULL: it goes on. fate: what became of it.
  copies: `id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, source_id INT UNSIGNED NOT NULL, schema_name ${NAME} NOT NULL, table_name ${NAME} NOT NULL,
    of_table ${NAME} NOT NULL, kind ${ASCII(8)} NOT NULL, begun_seconds INT UNSIGNED NOT NULL, ended_seconds INT UNSIGNED NULL, fate ${ASCII(16)} NULL,
    KEY by_name (source_id, schema_name, table_name)`,
  // XA transactions between PREPARE and COMMIT. Their operations stand under `parking` instead of an ordinal.
  prepared: `source_id INT UNSIGNED NOT NULL, xid ${ASCII(300)} NOT NULL, parking BIGINT UNSIGNED NOT NULL, tag INT UNSIGNED NOT NULL,
    operation_count INT UNSIGNED NOT NULL, first_block BIGINT UNSIGNED NULL, last_block BIGINT UNSIGNED NULL, thread_id BIGINT UNSIGNED NOT NULL,
    rows_file ${FILE} NOT NULL, gaps LONGTEXT NOT NULL, PRIMARY KEY (source_id, xid)`,
  cursors: `source_id INT UNSIGNED NOT NULL, consumer ${ASCII(32)} NOT NULL, ordinal BIGINT UNSIGNED NOT NULL, block BIGINT UNSIGNED NULL,
    epoch BIGINT UNSIGNED NOT NULL, updated DATETIME(6) NOT NULL, PRIMARY KEY (source_id, consumer)`,
  claims: `backup_database ${NAME} NOT NULL PRIMARY KEY, source_id INT UNSIGNED NOT NULL, schema_name ${NAME} NOT NULL, UNIQUE (source_id, schema_name)`,
  // What was captured from where on: what a filter left out is missing from the log for that era.
  eras: `id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, source_id INT UNSIGNED NOT NULL, incarnation_id INT UNSIGNED NOT NULL,
    file ${FILE} NOT NULL, file_offset BIGINT UNSIGNED NOT NULL, ordinal BIGINT UNSIGNED NOT NULL, commit_micros BIGINT NOT NULL,
    filter TEXT NOT NULL, noted DATETIME(6) NOT NULL, KEY (source_id, ordinal)`,
  // What was asked of this log, by whom and when, and what came of it. `touched` moves while a script is written; `cancel` asks its
  // writer, whatever process that is, to stop.
  scripts: `id ${ASCII(16)} NOT NULL PRIMARY KEY, source_id INT UNSIGNED NULL, kind ${ASCII(10)} NOT NULL, state ${ASCII(10)} NOT NULL,
    requester VARCHAR(255) NOT NULL, client VARCHAR(255) NOT NULL, version ${ASCII(50)} NOT NULL, asked TEXT NOT NULL,
    validity_file ${FILE} NULL, validity_offset BIGINT UNSIGNED NULL, validity_micros BIGINT NULL, objects LONGTEXT NULL,
    operations BIGINT UNSIGNED NULL, row_changes BIGINT UNSIGNED NULL, statements BIGINT UNSIGNED NULL, bytes BIGINT UNSIGNED NULL, error TEXT NULL,
    cancel TINYINT NOT NULL DEFAULT 0, started DATETIME(6) NOT NULL, touched DATETIME(6) NOT NULL, ended DATETIME(6) NULL, KEY by_start (started, id)`,
  // user@host of a thread as the process list showed it when the thread first appeared.
  threads: `source_id INT UNSIGNED NOT NULL, thread_id BIGINT UNSIGNED NOT NULL, since_ordinal BIGINT UNSIGNED NOT NULL,
    user VARCHAR(128) NOT NULL, host VARCHAR(255) NOT NULL, PRIMARY KEY (source_id, thread_id, since_ordinal)`,
};

/** The tables that this release works with. */
export const LEDGER_TABLES: readonly string[] = Object.keys(TABLES);

/** The statements that make a ledger, in order; each can be repeated. */
export function ledgerStatements(ledger: string): readonly string[] {
  return Object.entries(TABLES).map(([name, columns]) =>
    `CREATE TABLE IF NOT EXISTS ${quoteTable(ledger, name)} (${columns}) ${TABLE_OPTIONS}`);
}
