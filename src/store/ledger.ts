import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { quoteName, quoteTable } from '../core/identifiers.ts';
import { row, rows, scalar } from '../core/mysql.ts';
import { INFORMATION_TABLE, LEDGER_MARK_TABLE } from '../core/undo-tables.ts';
import { LEDGER_COMPATIBLE_FROM, LEDGER_TABLES, LEDGER_VERSION, ledgerStatements } from './ledger-schema.ts';

/** Names the tables of one ledger. */
export class Ledger {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  table(name: string): string {
    return quoteTable(this.name, name);
  }
}

/** What a ledger says of itself. */
export interface LedgerMark {
  readonly version: number;
  /** Programs that know at least this ledger version work on it, newer or not. */
  readonly compatibleFrom: number;
}

/** Null: there is no ledger. */
export async function readLedgerMark(connection: Connection, ledger: Ledger): Promise<LedgerMark | null> {
  const found = await scalar<number | string>(
    connection, 'SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?', [ledger.name, LEDGER_MARK_TABLE],
  );
  return Number(found) === 0 ? null : newestMark(connection, ledger);
}

async function newestMark(connection: Connection, ledger: Ledger): Promise<LedgerMark | null> {
  const mark = await row<{ version: number; compatible_from: number }>(connection,
    `SELECT version, compatible_from FROM ${ledger.table(LEDGER_MARK_TABLE)} ORDER BY version DESC LIMIT 1`);
  return mark && { version: mark.version, compatibleFrom: mark.compatible_from };
}

/**
 * An older release works on a newer ledger as far down as that ledger says; a newer release wants the ledger migrated first.
 * @throws UndoError LEDGER_MISSING, LEDGER_VERSION, LEDGER_DAMAGED.
 */
export async function requireLedger(connection: Connection, ledger: Ledger): Promise<void> {
  const found = new Set((await rows<{ name: string }>(connection, 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ?', [ledger.name])).map(({ name }) => name));
  const mark = found.has(LEDGER_MARK_TABLE) ? await newestMark(connection, ledger) : null;
  if (!mark) throw new UndoError('LEDGER_MISSING', `There is no ledger "${ledger.name}" on the backup server.`);
  const versions = `The ledger "${ledger.name}" has version ${mark.version}, this release knows version ${LEDGER_VERSION}`;
  if (mark.version < LEDGER_VERSION) throw new UndoError('LEDGER_VERSION', `${versions}.`, { fix: 'Run binlog-undo migrate once; daemons of the release before go on meanwhile.' });
  if (LEDGER_VERSION < mark.compatibleFrom) throw new UndoError('LEDGER_VERSION', `${versions}; it needs one that knows version ${mark.compatibleFrom}.`);
  const missing = LEDGER_TABLES.filter((name) => !found.has(name));
  if (missing.length === 0) return;
  throw new UndoError('LEDGER_DAMAGED', `The ledger "${ledger.name}" has version ${mark.version}, which has ${LEDGER_TABLES.length} tables, and lacks ${missing.join(', ')}.`, {
    fix: `Restore the ledger from a copy; or give its history up: DROP DATABASE ${quoteName(ledger.name)}; then start binlog-undo run, which begins a new one.`,
  });
}

/** Makes the ledger where there is none. @throws UndoError LEDGER_VERSION for one of another release. */
export async function createLedger(connection: Connection, ledger: Ledger): Promise<void> {
  if (await readLedgerMark(connection, ledger) === null) {
    await connection.query(`CREATE DATABASE IF NOT EXISTS ${quoteName(ledger.name)} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
    for (const statement of ledgerStatements(ledger.name)) await connection.query(statement);
    await connection.query(`INSERT IGNORE INTO ${ledger.table(LEDGER_MARK_TABLE)} (version, compatible_from, created) VALUES (?, ?, UTC_TIMESTAMP(6))`, [LEDGER_VERSION, LEDGER_COMPATIBLE_FROM]);
  }
  await requireLedger(connection, ledger);
}

/** Schemas of a server that hold a ledger or goInception's information table: never captured. */
export async function undoSchemas(connection: Connection): Promise<string[]> {
  const found = await rows<{ name: string }>(
    connection, 'SELECT DISTINCT table_schema AS name FROM information_schema.tables WHERE table_name IN (?, ?)', [INFORMATION_TABLE, LEDGER_MARK_TABLE],
  );
  return found.map(({ name }) => name);
}
