import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { run, scalar } from '../core/mysql.ts';
import { LEDGER_MARK_TABLE } from '../core/undo-tables.ts';
import { LEDGER_VERSION } from './ledger-schema.ts';
import { readLedgerMark, type Ledger } from './ledger.ts';

/**
 * One step from a ledger version to the next. A change is an expansion first: something is added that the release before
 * does not mind, and `compatibleFrom` still names that release's version; so both run on one ledger while daemons are
 * upgraded one by one. What is no longer used goes in a later release's step, whose `compatibleFrom` leaves the old one out.
 */
export interface Migration {
  /** The version that the ledger has afterwards: one more than before. */
  readonly version: number;
  /** The oldest ledger version whose programs still work on it. */
  readonly compatibleFrom: number;
  readonly summary: string;
  /** Each must be repeatable (IF NOT EXISTS and the like): DDL commits by itself, and a step may be cut short. */
  readonly statements: (ledger: Ledger) => readonly string[];
}

/** Every step since version 1, which `createLedger` makes whole. */
export const MIGRATIONS: readonly Migration[] = [];

export interface MigrationReport {
  readonly from: number;
  readonly to: number;
  readonly steps: readonly { readonly version: number; readonly summary: string }[];
}

const LOCK_SECONDS = 10;

/**
 * Brings a ledger to this release's version, step by step, each recorded when it is complete.
 * @param dryRun only say what would be done.
 * @throws UndoError LEDGER_MISSING, LEDGER_VERSION for a newer ledger or one from which no step leads on.
 */
export async function migrateLedger(
  connection: Connection, ledger: Ledger, dryRun: boolean, migrations: readonly Migration[] = MIGRATIONS, target: number = LEDGER_VERSION,
): Promise<MigrationReport> {
  const lock = `binlog_undo_migrate:${ledger.name}`.slice(0, 64);
  if (Number(await scalar(connection, 'SELECT GET_LOCK(?, ?)', [lock, LOCK_SECONDS])) !== 1) {
    throw new UndoError('LEDGER_VERSION', `Another binlog-undo migrate works on the ledger "${ledger.name}".`, { fix: 'Let it finish.' });
  }
  try {
    const mark = await readLedgerMark(connection, ledger);
    if (!mark) throw new UndoError('LEDGER_MISSING', `There is no ledger "${ledger.name}" on the backup server.`);
    if (mark.version > target) throw new UndoError('LEDGER_VERSION', `The ledger "${ledger.name}" has version ${mark.version}, this release knows version ${target}.`);
    const steps: Migration[] = [];
    for (let version = mark.version + 1; version <= target; version++) {
      const step = migrations.find((migration) => migration.version === version);
      if (!step) throw new UndoError('LEDGER_VERSION', `From version ${version - 1} of the ledger "${ledger.name}" no step leads to version ${target} in this release.`, { fix: 'Migrate with the releases in between first.' });
      steps.push(step);
    }
    for (const step of dryRun ? [] : steps) {
      for (const statement of step.statements(ledger)) await connection.query(statement);
      await run(connection, `INSERT INTO ${ledger.table(LEDGER_MARK_TABLE)} (version, compatible_from, created) VALUES (?, ?, UTC_TIMESTAMP(6))`, [step.version, step.compatibleFrom]);
    }
    return { from: mark.version, to: target, steps: steps.map(({ version, summary }) => ({ version, summary })) };
  } finally {
    await connection.query('SELECT RELEASE_LOCK(?)', [lock]).catch(() => undefined);
  }
}
