import type { Connection } from 'mysql2/promise';
import { rows, run } from '../core/mysql.ts';
import type { CapturedGap } from '../capture/types.ts';
import type { PreparedTransaction, SettledTransaction } from './batch.ts';
import type { Ledger } from './ledger.ts';
import type { LogScope } from './log-sql.ts';

/** The first parking number: ordinals never get there, and a JavaScript number still holds it exactly. */
export const PARKING = 2 ** 52;

export async function insertPrepared(connection: Connection, scope: LogScope, prepared: readonly PreparedTransaction[]): Promise<void> {
  for (const p of prepared) {
    await run(connection,
      `INSERT INTO ${scope.ledger.table('prepared')} (source_id, xid, parking, tag, operation_count, first_block, last_block, thread_id, rows_file, gaps)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [scope.sourceId, p.xid, p.parking, p.tag, p.operationCount, p.firstBlock, p.lastBlock, p.threadId, p.rowsFile, JSON.stringify(p.gaps)]);
  }
}

export async function settlePrepared(connection: Connection, scope: LogScope, settled: readonly SettledTransaction[]): Promise<void> {
  const operations = scope.ledger.table('operations');
  for (const { xid, parking, ordinal } of settled) {
    if (ordinal === null) await run(connection, `DELETE FROM ${operations} WHERE source_id = ? AND ordinal = ?`, [scope.sourceId, parking]);
    else await run(connection, `UPDATE ${operations} SET ordinal = ? WHERE source_id = ? AND ordinal = ?`, [ordinal, scope.sourceId, parking]);
    await run(connection, `DELETE FROM ${scope.ledger.table('prepared')} WHERE source_id = ? AND xid = ?`, [scope.sourceId, xid]);
  }
}

export async function readPrepared(connection: Connection, ledger: Ledger, sourceId: number): Promise<PreparedTransaction[]> {
  const found = await rows<Record<string, string | number | null>>(connection,
    `SELECT xid, parking, tag, operation_count, first_block, last_block, thread_id, rows_file, gaps FROM ${ledger.table('prepared')} WHERE source_id = ?`, [sourceId]);
  const block = (value: string | number | null | undefined): number | null => (value === null || value === undefined ? null : Number(value));
  return found.map((p) => ({
    xid: String(p.xid), parking: Number(p.parking), tag: Number(p.tag), operationCount: Number(p.operation_count), firstBlock: block(p.first_block),
    lastBlock: block(p.last_block), threadId: Number(p.thread_id), rowsFile: String(p.rows_file), gaps: JSON.parse(String(p.gaps)) as CapturedGap[],
  }));
}
