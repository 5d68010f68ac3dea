import type { Connection } from 'mysql2/promise';
import { rows, run } from '../core/mysql.ts';
import type { Copy, CopyChange, CopyFate } from '../capture/copies.ts';
import type { Ledger } from './ledger.ts';

/** State of operations whose rows an online schema change copied: counted, and not in any block. */
export const COPIED = 'copied';

/** Why such rows are not stored, beside their operation. */
export function copyRemark({ schema, of, kind }: Copy): string {
  return kind === 'copy'
    ? `rows counted, not stored: a copy of ${schema}.${of} that an online schema change fills`
    : `rows counted, not stored: notes of the online schema change of ${schema}.${of}`;
}

/** Writes which copies began and ended, in order. */
export async function applyCopyChanges(connection: Connection, { ledger, sourceId }: { readonly ledger: Ledger; readonly sourceId: number }, changes: readonly CopyChange[]): Promise<void> {
  for (const change of changes) {
    const { schema, table, of, kind } = change.copy;
    if (change.kind === 'begun') {
      // After a restart the same statement may be met once more.
      await run(connection, `DELETE FROM ${ledger.table('copies')} WHERE ${IN_FORCE} AND schema_name = ? AND table_name = ?`, [sourceId, schema, table]);
      await run(connection, `INSERT INTO ${ledger.table('copies')} (source_id, schema_name, table_name, of_table, kind, begun_seconds) VALUES (?, ?, ?, ?, ?, ?)`,
        [sourceId, schema, table, of, kind, change.seconds]);
    } else {
      await run(connection, `UPDATE ${ledger.table('copies')} SET ended_seconds = ?, fate = ? WHERE ${IN_FORCE} AND schema_name = ? AND table_name = ?`,
        [change.seconds, change.fate, sourceId, schema, table]);
    }
  }
}

const IN_FORCE = 'source_id = ? AND ended_seconds IS NULL';

export interface CopyUnderWay extends Copy {
  readonly begunSeconds: number;
}

/** What is being filled at the checkpoint. */
export async function copiesInForce(connection: Connection, ledger: Ledger, sourceId: number): Promise<CopyUnderWay[]> {
  const found = await rows<{ schema_name: string; table_name: string; of_table: string; kind: Copy['kind']; begun_seconds: number }>(connection,
    `SELECT schema_name, table_name, of_table, kind, begun_seconds FROM ${ledger.table('copies')} WHERE ${IN_FORCE} ORDER BY id`, [sourceId]);
  return found.map((copy) => ({ schema: copy.schema_name, table: copy.table_name, of: copy.of_table, kind: copy.kind, begunSeconds: copy.begun_seconds }));
}

/** History is passed over: what was a copy before may be anything behind it. */
export async function endCopies(connection: Connection, ledger: Ledger, sourceId: number): Promise<void> {
  const kept: CopyFate = 'kept';
  await run(connection, `UPDATE ${ledger.table('copies')} SET ended_seconds = UNIX_TIMESTAMP(), fate = ? WHERE ${IN_FORCE}`, [kept, sourceId]);
}
