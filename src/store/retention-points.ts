import type { Connection } from 'mysql2/promise';
import { row, rows, run } from '../core/mysql.ts';
import type { Position } from '../core/position.ts';
import type { Ledger } from './ledger.ts';

/** What a retention applies to: everything (''), one schema, or one table of it. */
export interface RetentionScope {
  readonly schema: string;
  readonly table: string;
}

export const EVERYTHING: RetentionScope = { schema: '', table: '' };

/** Up to where history has been given up, durable before the first row of it is deleted. */
export interface PurgePoint extends RetentionScope {
  /** The first ordinal that is kept. */
  readonly ordinal: number;
  /** Below this, rows are deleted already. */
  readonly swept: number;
  readonly incarnationId: number;
  /** The end of the last transaction given up. */
  readonly position: Position;
  /** Its commit time, microseconds since the epoch. */
  readonly commitMicros: number;
}

export async function readPurgePoints(connection: Connection, ledger: Ledger, sourceId: number): Promise<PurgePoint[]> {
  const found = await rows<Record<string, string | number>>(connection,
    `SELECT schema_name, table_name, ordinal, swept, incarnation_id, file, file_offset, commit_micros FROM ${ledger.table('purges')} WHERE source_id = ?`, [sourceId]);
  return found.map((point) => ({
    schema: String(point.schema_name), table: String(point.table_name), ordinal: Number(point.ordinal), swept: Number(point.swept),
    incarnationId: Number(point.incarnation_id), position: { file: String(point.file), offset: Number(point.file_offset) }, commitMicros: Number(point.commit_micros),
  }));
}

/** The entry for a table: its own, its schema's, or the one for everything. */
export function narrowest<T extends RetentionScope>(entries: readonly T[], schema: string, table: string): T | null {
  return entries.find((entry) => entry.schema === schema && entry.table === table && table !== '')
    ?? entries.find((entry) => entry.schema === schema && entry.table === '' && schema !== '')
    ?? entries.find((entry) => entry.schema === '') ?? null;
}

/** Gives a scope a point of its own: what was given up for it as a part of a wider scope, or nothing so far. */
export async function adoptScope(connection: Connection, ledger: Ledger, sourceId: number, scope: RetentionScope, points: readonly PurgePoint[]): Promise<void> {
  const wider = narrowest(points, scope.schema, scope.table);
  await run(connection,
    `INSERT IGNORE INTO ${ledger.table('purges')} (source_id, schema_name, table_name, ordinal, swept, incarnation_id, file, file_offset, commit_micros, updated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6))`,
    [sourceId, scope.schema, scope.table, wider?.ordinal ?? 0, wider?.swept ?? 0, wider?.incarnationId ?? 0, wider?.position.file ?? '', wider?.position.offset ?? 0, wider?.commitMicros ?? 0]);
}

/**
 * Gives up what lies below `ordinal`, never less than before.
 * @returns the point in force; its ordinal is 0 while nothing was ever given up.
 */
export async function raisePurgePoint(connection: Connection, ledger: Ledger, sourceId: number, scope: RetentionScope, ordinal: number): Promise<PurgePoint> {
  const last = await row<Record<string, string | number>>(connection,
    `SELECT ordinal, incarnation_id, end_file, end_offset, commit_micros FROM ${ledger.table('transactions')} WHERE source_id = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT 1`,
    [sourceId, ordinal]);
  if (last) {
    await run(connection,
      `UPDATE ${ledger.table('purges')} SET ordinal = ?, incarnation_id = ?, file = ?, file_offset = ?, commit_micros = ?, updated = UTC_TIMESTAMP(6)
       WHERE source_id = ? AND schema_name = ? AND table_name = ? AND ordinal <= ?`,
      [ordinal, last.incarnation_id!, last.end_file!, last.end_offset!, last.commit_micros!, sourceId, scope.schema, scope.table, last.ordinal!]);
  }
  return (await readPurgePoints(connection, ledger, sourceId)).find(({ schema, table }) => schema === scope.schema && table === scope.table)!;
}

export async function notePurged(connection: Connection, ledger: Ledger, sourceId: number, scope: RetentionScope, swept: number): Promise<void> {
  await run(connection, `UPDATE ${ledger.table('purges')} SET swept = ? WHERE source_id = ? AND schema_name = ? AND table_name = ?`, [swept, sourceId, scope.schema, scope.table]);
}

export async function forgetPurgePoint(connection: Connection, ledger: Ledger, sourceId: number, scope: RetentionScope): Promise<void> {
  await run(connection, `DELETE FROM ${ledger.table('purges')} WHERE source_id = ? AND schema_name = ? AND table_name = ?`, [sourceId, scope.schema, scope.table]);
}
