import type { Connection } from 'mysql2/promise';
import { rows, run, scalar } from '../core/mysql.ts';
import { packBlock } from './block-codec.ts';
import { packKeySet, UNKNOWN_KEYS } from './key-set.ts';
import type { Ledger } from './ledger.ts';
import { insertBlock } from './block-sql.ts';
import { insertGaps } from './log-sql.ts';
import { toTransaction, transactionColumns, type StoredTransaction } from './log-reader.ts';

/** The SQL of an erasure in the ledger. */
export interface ErasureScope {
  readonly connection: Connection;
  readonly ledger: Ledger;
  readonly sourceId: number;
  readonly schema: string;
  readonly table: string;
}

type Fields = Record<string, string | number | null>;

/** The blocks that hold rows of the table, newest first. */
export async function blocksOfTable({ connection, ledger, sourceId, schema, table }: ErasureScope): Promise<number[]> {
  const found = await rows<{ block: string }>(connection,
    `SELECT DISTINCT block FROM ${ledger.table('block_keys')} WHERE source_id = ? AND schema_name = ? AND table_name = ? ORDER BY block DESC`, [sourceId, schema, table]);
  return found.map(({ block }) => Number(block));
}

/** The transactions of the log that have rows in a block. */
export async function transactionsInBlock({ connection, ledger, sourceId }: ErasureScope, block: number): Promise<StoredTransaction[]> {
  const found = await rows<Fields>(connection,
    `SELECT ${transactionColumns('t')} FROM ${ledger.table('transactions')} t WHERE t.source_id = ? AND t.first_block <= ? AND t.last_block >= ? ORDER BY t.ordinal`,
    [sourceId, block, block]);
  return found.map(toTransaction);
}

/** The last block of what has committed: what lies before it and belongs to no transaction never will. */
export async function lastLoggedBlock({ connection, ledger, sourceId }: ErasureScope): Promise<number> {
  return Number(await scalar<string>(connection, `SELECT MAX(last_block) FROM ${ledger.table('transactions')} WHERE source_id = ?`, [sourceId]) ?? 0);
}

/** Prepared XA transactions with rows of the table, by name. */
export async function preparedWith({ connection, ledger, sourceId, schema, table }: ErasureScope): Promise<string[]> {
  const found = await rows<{ xid: string }>(connection,
    `SELECT DISTINCT p.xid AS xid FROM ${ledger.table('prepared')} p JOIN ${ledger.table('operations')} o ON o.source_id = p.source_id AND o.ordinal = p.parking
     WHERE p.source_id = ? AND o.schema_name = ? AND o.table_name = ?`, [sourceId, schema, table]);
  return found.map(({ xid }) => xid);
}

/** Ends scripts whose reader has stalled when they go on, since what they were planned from is gone. */
export async function cancelStalled({ connection, ledger }: ErasureScope): Promise<void> {
  await run(connection, `UPDATE ${ledger.table('scripts')} SET cancel = 1 WHERE ended IS NULL AND touched <= UTC_TIMESTAMP(6) - INTERVAL 10 MINUTE`, []);
}

/** Scripts that somebody's process is writing at this moment. */
export async function scriptsBeingWritten({ connection, ledger }: ErasureScope): Promise<string[]> {
  const found = await rows<{ id: string }>(connection,
    `SELECT id FROM ${ledger.table('scripts')} WHERE ended IS NULL AND touched > UTC_TIMESTAMP(6) - INTERVAL 10 MINUTE ORDER BY started`);
  return found.map(({ id }) => id);
}

/** An operation that loses rows or its text. */
export interface ErasedOperation {
  readonly seq: number;
  readonly opid: string;
  readonly schema: string;
  readonly table: string;
  readonly total: number;
  /** The ledger keeps the begin of its text only; the whole stands in a block. */
  readonly longText: boolean;
}

/** Operations of a transaction, by their place in it: those named, and all that carry the text of one of them. */
export async function sharingText({ connection, ledger, sourceId }: ErasureScope, ordinal: number, seqs: readonly number[]): Promise<ErasedOperation[]> {
  const table = ledger.table('operations');
  const marks = seqs.map(() => '?').join(', ');
  const found = await rows<Fields>(connection,
    `SELECT o.seq, o.opid, o.schema_name, o.table_name, o.inserted + o.updated + o.deleted AS total,
       o.statement_bytes > OCTET_LENGTH(o.statement) AS long_text FROM ${table} o WHERE o.source_id = ? AND o.ordinal = ? AND o.ddl = 0
     AND (o.seq IN (${marks}) OR o.statement IN (SELECT w.statement FROM ${table} w WHERE w.source_id = ? AND w.ordinal = ? AND w.seq IN (${marks})))`,
    [sourceId, ordinal, ...seqs, sourceId, ordinal, ...seqs]);
  return found.map((one) => ({ seq: Number(one.seq), opid: String(one.opid), schema: String(one.schema_name), table: String(one.table_name), total: Number(one.total), longText: Number(one.long_text) === 1 }));
}

/** Writes down, once for each transaction, that the log will not hold all of it any more. Whoever does so knows of it. */
export async function noteErasures(scope: ErasureScope, transactions: readonly StoredTransaction[], detail: string): Promise<void> {
  const { connection, ledger, sourceId, schema, table } = scope;
  await connection.query('START TRANSACTION');
  for (const { ordinal, incarnationId, start, end, commitMicros } of transactions) {
    const noted = Number(await scalar<string>(connection,
      `SELECT COUNT(*) FROM ${ledger.table('gaps')} WHERE source_id = ? AND ordinal = ? AND reason = 'erased' AND schema_name = ? AND table_name = ?`, [sourceId, ordinal, schema, table]));
    if (noted > 0) continue;
    await insertGaps(connection, { ledger, sourceId, incarnationId, epoch: 0 }, [{
      reason: 'erased', schema, table, from: start, to: end, ordinal, fromMicros: commitMicros, toMicros: commitMicros, detail,
    }]);
  }
  await run(connection, `UPDATE ${ledger.table('gaps')} SET acknowledged = UTC_TIMESTAMP(6) WHERE source_id = ? AND reason = 'erased' AND acknowledged IS NULL`, [sourceId]);
  await connection.query('COMMIT');
}

export async function replaceBlock({ connection, ledger, sourceId }: ErasureScope, block: number, raw: Buffer): Promise<void> {
  await run(connection, `DELETE FROM ${ledger.table('blocks')} WHERE source_id = ? AND block = ?`, [sourceId, block]);
  await insertBlock(connection, { ledger, sourceId }, block, await packBlock(raw));
}

/** Hashes of keys tell of erased ones: from here on only the rows of this block tell which keys it has. */
export async function forgetKeys({ connection, ledger, sourceId, schema, table }: ErasureScope, block: number): Promise<void> {
  const sets = ledger.table('block_keys');
  const where = 'WHERE source_id = ? AND block = ? AND schema_name = ? AND table_name = ?';
  const first = await scalar<string>(connection, `SELECT MIN(part) FROM ${sets} ${where}`, [sourceId, block, schema, table]);
  await run(connection, `DELETE FROM ${sets} ${where} AND part <> ?`, [sourceId, block, schema, table, Number(first)]);
  await run(connection, `UPDATE ${sets} SET data = ? ${where}`, [packKeySet(UNKNOWN_KEYS), sourceId, block, schema, table]);
}

export type RowCounts = Record<'insert' | 'update' | 'delete', number>;

export async function takeFromOperation({ connection, ledger, sourceId }: ErasureScope, ordinal: number, seq: number, counts: RowCounts): Promise<void> {
  // MySQL and MariaDB evaluate from left to right: the state looks at the counts that are left.
  await run(connection,
    `UPDATE ${ledger.table('operations')} SET inserted = inserted - ?, updated = updated - ?, deleted = deleted - ?, state = IF(inserted + updated + deleted = 0, 'erased', state) WHERE source_id = ? AND ordinal = ? AND seq = ?`,
    [counts.insert, counts.update, counts.delete, sourceId, ordinal, seq]);
}

export async function forgetTexts({ connection, ledger, sourceId }: ErasureScope, ordinal: number, seqs: readonly number[]): Promise<void> {
  if (seqs.length === 0) return;
  await run(connection, `UPDATE ${ledger.table('operations')} SET statement = NULL, statement_bytes = 0 WHERE source_id = ? AND ordinal = ? AND seq IN (${seqs.map(() => '?').join(', ')})`,
    [sourceId, ordinal, ...seqs]);
}
