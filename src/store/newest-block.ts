import type { Connection } from 'mysql2/promise';
import { row, scalar } from '../core/mysql.ts';
import type { Ledger } from './ledger.ts';

/**
 * The newest block that a transaction of the log names, committed or prepared; 0 when none does. It is not that of the last
 * ordinal: an XA transaction committed late names blocks older than those of its predecessors.
 */
export async function newestBlock(connection: Connection, ledger: Ledger, sourceId: number): Promise<number> {
  const found = await row<{ committed: string | null; prepared: string | null }>(connection,
    `SELECT (SELECT last_block FROM ${ledger.table('transactions')} WHERE source_id = ? AND first_block IS NOT NULL ORDER BY first_block DESC, last_block DESC LIMIT 1) AS committed,
       (SELECT MAX(last_block) FROM ${ledger.table('prepared')} WHERE source_id = ?) AS prepared`, [sourceId, sourceId]);
  return Math.max(Number(found?.committed ?? 0), Number(found?.prepared ?? 0));
}

/**
 * The first block that a transaction which is still being read may begin in: the newest one, when its rows go beyond the transactions that
 * the log has by now; else none that is there. To be asked before transactions are removed.
 */
export async function firstOpenBlock(connection: Connection, ledger: Ledger, sourceId: number): Promise<number> {
  const newest = await newestBlock(connection, ledger, sourceId);
  const beyond = await scalar<string>(connection,
    `SELECT MAX(to_ordinal) >= (SELECT next_ordinal FROM ${ledger.table('checkpoints')} WHERE source_id = ?) FROM ${ledger.table('block_keys')} WHERE source_id = ? AND block = ?`,
    [sourceId, sourceId, newest]);
  return beyond !== null && Number(beyond) === 0 ? newest + 1 : newest;
}
