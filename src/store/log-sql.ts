import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { run } from '../core/mysql.ts';
import { fileNumber } from '../core/position.ts';
import type { CheckpointState, DiscardedOperations, LoggedGap, LoggedOperations, LoggedTransaction, SealedBlock } from './batch.ts';
import { COPIED, copyRemark } from './copy-sql.ts';
import type { Ledger } from './ledger.ts';
import { insertRows } from './many-rows.ts';

/** Which source, in which of its lives, under which leadership the statements below write. */
export interface LogScope {
  readonly ledger: Ledger;
  readonly sourceId: number;
  readonly incarnationId: number;
  readonly epoch: number;
}

const BLOCK_KEYS = ['source_id', 'block', 'part', 'schema_name', 'table_name', 'from_ordinal', 'to_ordinal', 'data'];
const TRANSACTIONS = [
  'source_id', 'ordinal', 'incarnation_id', 'gtid', 'start_file', 'start_number', 'start_offset', 'end_file', 'end_number', 'end_offset', 'commit_micros',
  'stated_seconds', 'thread_id', 'server_id', 'tag', 'operation_count', 'first_block', 'last_block', 'rows_file', 'script_id',
];
const OPERATIONS = [
  'source_id', 'ordinal', 'seq', 'opid', 'schema_name', 'table_name', 'type', 'ddl', 'seconds', 'inserted', 'updated', 'deleted', 'statement', 'statement_bytes',
  'statement_charset', 'state', 'default_schema', 'sql_mode', 'remark',
];
const GAPS = [
  'source_id', 'incarnation_id', 'reason', 'schema_name', 'table_name', 'from_file', 'from_offset', 'to_file', 'to_offset', 'ordinal', 'from_micros', 'to_micros',
  'detail', 'noted',
];

export async function insertBlockKeys(connection: Connection, scope: LogScope, sealed: readonly SealedBlock[]): Promise<void> {
  await insertRows(
    connection, scope.ledger.table('block_keys'), BLOCK_KEYS,
    sealed.flatMap(({ block, keys, fromOrdinal, toOrdinal }) => keys.map(({ schema, table, data }, part) => [scope.sourceId, block, part, schema, table, fromOrdinal, toOrdinal, data])),
  );
}

export async function insertTransactions(connection: Connection, scope: LogScope, logged: readonly LoggedTransaction[]): Promise<void> {
  await insertRows(
    connection, scope.ledger.table('transactions'), TRANSACTIONS,
    logged.map(({ ordinal, tag, operationCount, firstBlock, lastBlock, rowsFile, transaction: t }) => [
      scope.sourceId, ordinal, scope.incarnationId, t.gtid, t.start.file, fileNumber(t.start.file), t.start.offset,
      t.end.file, fileNumber(t.end.file), t.end.offset, t.commitMicros, t.statedSeconds, t.threadId, t.serverId, tag, operationCount, firstBlock, lastBlock, rowsFile, t.script,
    ]),
  );
}

/** @param textLimit bytes of statement text kept beside the operation; the whole of a longer one stands in the blocks, but for DDL, which is in none. */
export async function insertOperations(
  connection: Connection, scope: LogScope, logged: readonly LoggedOperations[], textLimit: number,
): Promise<void> {
  const values = logged.flatMap(({ ordinal, operations }) => operations.map((o) => [
    scope.sourceId, ordinal, o.seq, o.opid, o.schema, o.table, o.type, o.ddl ? 1 : 0, o.seconds, o.inserted, o.updated, o.deleted,
    (o.ddl ? o.statement : o.statement?.subarray(0, textLimit)) ?? null, o.statement?.length ?? 0, o.charset, o.copy ? COPIED : o.partial ? 'partial' : 'captured',
    o.session?.schema ?? null, o.session?.sqlMode ?? null, o.copy && copyRemark(o.copy),
  ]));
  await insertRows(connection, scope.ledger.table('operations'), OPERATIONS, values);
}

export async function deleteOperations(connection: Connection, scope: LogScope, discarded: readonly DiscardedOperations[]): Promise<void> {
  for (const { ordinal, table } of discarded) {
    const where = table === null ? '' : ' AND schema_name = ? AND table_name = ?';
    await run(connection, `DELETE FROM ${scope.ledger.table('operations')} WHERE source_id = ? AND ordinal = ?${where}`,
      [scope.sourceId, ordinal, ...(table === null ? [] : [table.schema, table.table])]);
  }
}

export async function insertGaps(connection: Connection, scope: LogScope, gaps: readonly LoggedGap[]): Promise<void> {
  await insertRows(
    connection, scope.ledger.table('gaps'), GAPS,
    gaps.map((g) => [
      scope.sourceId, scope.incarnationId, g.reason, g.schema, g.table, g.from?.file ?? null, g.from?.offset ?? null,
      g.to.file, g.to.offset, g.ordinal, g.fromMicros, g.toMicros, g.detail.slice(0, 4000), new Date().toISOString().slice(0, 23).replace('T', ' '),
    ]),
  );
}

/**
 * Moves the checkpoint, or only proves that this daemon still leads: every backup transaction ends with it.
 * @throws UndoError LEADER_LOST when another daemon raised the epoch.
 */
export async function sealWithCheckpoint(connection: Connection, scope: LogScope, state: CheckpointState | null): Promise<void> {
  const where = 'WHERE source_id = ? AND epoch = ?';
  const table = scope.ledger.table('checkpoints');
  const result = state === null
    ? await run(connection, `UPDATE ${table} SET epoch = epoch ${where}`, [scope.sourceId, scope.epoch])
    : await run(connection,
      `UPDATE ${table} SET file = ?, file_offset = ?, anchor = ?, gtid_set = ?, next_ordinal = ?, next_block = ?, commit_micros = ?, updated = UTC_TIMESTAMP(6) ${where}`,
      [state.position.file, state.position.offset, state.anchor && JSON.stringify(state.anchor), state.gtidSet, state.nextOrdinal, state.nextBlock, state.commitMicros, scope.sourceId, scope.epoch]);
  if (result.affectedRows !== 1) throw new UndoError('LEADER_LOST', 'The epoch in the ledger was raised by another daemon.');
}
