import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { row, run } from '../core/mysql.ts';
import type { Ledger } from './ledger.ts';

/** How far a consumer of the log (projection, fan-out) has delivered. */
export interface Cursor {
  /** The next transaction to deliver. */
  readonly ordinal: number;
  /** Inside a large transaction: the next block to deliver, counting down; null at its begin. */
  readonly block: number | null;
}

/** Reads a consumer's cursor under this leadership, making it at the log's begin. */
export async function takeCursor(connection: Connection, ledger: Ledger, sourceId: number, consumer: string, epoch: number): Promise<Cursor> {
  const table = ledger.table('cursors');
  await run(connection,
    `INSERT INTO ${table} (source_id, consumer, ordinal, block, epoch, updated) VALUES (?, ?, 1, NULL, ?, UTC_TIMESTAMP(6))
     ON DUPLICATE KEY UPDATE epoch = GREATEST(epoch, VALUES(epoch))`, [sourceId, consumer, epoch]);
  const found = await row<{ ordinal: string; block: string | null; epoch: string }>(connection,
    `SELECT ordinal, block, epoch FROM ${table} WHERE source_id = ? AND consumer = ?`, [sourceId, consumer]);
  if (Number(found?.epoch) !== epoch) throw new UndoError('LEADER_LOST', `The cursor of ${consumer} belongs to another daemon.`);
  return { ordinal: Number(found!.ordinal), block: found!.block === null ? null : Number(found!.block) };
}

/** Moves the cursor inside the transaction that delivers. @throws UndoError LEADER_LOST when another daemon took over. */
export async function moveCursor(connection: Connection, ledger: Ledger, sourceId: number, consumer: string, epoch: number, to: Cursor): Promise<void> {
  const moved = await run(connection,
    `UPDATE ${ledger.table('cursors')} SET ordinal = ?, block = ?, updated = UTC_TIMESTAMP(6) WHERE source_id = ? AND consumer = ? AND epoch = ?`,
    [to.ordinal, to.block, sourceId, consumer, epoch]);
  if (moved.affectedRows !== 1) throw new UndoError('LEADER_LOST', `The cursor of ${consumer} was taken over by another daemon.`);
}
