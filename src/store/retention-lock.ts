import { createHash } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { scalar } from '../core/mysql.ts';
import type { Ledger } from './ledger.ts';

/**
 * Runs what takes history away while nothing else does so with this source's.
 * @throws UndoError PURGE_RUNNING when something else is at it.
 */
export async function aloneWithHistory<T>(connection: Connection, ledger: Ledger, sourceId: number, work: () => Promise<T>): Promise<T> {
  // Lock names are global to the server and at most 64 characters long.
  const digest = createHash('sha256').update(ledger.name).digest('hex').slice(0, 16);
  const lock = `binlog_undo_purge:${digest}:${sourceId}`;
  if (Number(await scalar(connection, 'SELECT GET_LOCK(?, 0)', [lock])) !== 1) throw new UndoError('PURGE_RUNNING', 'Another purge of this source is running.');
  try {
    return await work();
  } finally {
    await connection.query('SELECT RELEASE_LOCK(?)', [lock]).catch(() => undefined);
  }
}
