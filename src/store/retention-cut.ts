import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { quoteTable } from '../core/identifiers.ts';
import { row, rows, run, scalar } from '../core/mysql.ts';
import type { Ledger } from './ledger.ts';

/** A consumer of the log that has not delivered everything that is to go. */
export interface HeldBack {
  readonly consumer: string;
  /** The next transaction that it has to deliver. */
  readonly ordinal: number;
}

/** The first ordinal that is not in the log yet. */
export async function endOfLog(connection: Connection, ledger: Ledger, sourceId: number): Promise<number> {
  return Number(await scalar<string>(connection, `SELECT next_ordinal FROM ${ledger.table('checkpoints')} WHERE source_id = ?`, [sourceId]) ?? 1);
}

/** The first ordinal committed at `micros` or later. */
export async function ordinalAtTime(connection: Connection, ledger: Ledger, sourceId: number, micros: number): Promise<number> {
  const found = await scalar<string>(connection,
    `SELECT ordinal FROM ${ledger.table('transactions')} WHERE source_id = ? AND commit_micros >= ? ORDER BY commit_micros, ordinal LIMIT 1`, [sourceId, micros]);
  return found === null ? endOfLog(connection, ledger, sourceId) : Number(found);
}

/** The transaction that an operation belongs to. @throws UndoError OPID_UNKNOWN */
export async function ordinalOfOpid(connection: Connection, ledger: Ledger, sourceId: number, opid: string): Promise<number> {
  const found = await scalar<string>(connection, `SELECT ordinal FROM ${ledger.table('operations')} WHERE opid = ? AND source_id = ?`, [opid, sourceId]);
  if (found === null) throw new UndoError('OPID_UNKNOWN', `The log holds no operation ${JSON.stringify(opid.slice(0, 100))}.`);
  return Number(found);
}

/** The first transaction still in the log at or after `ordinal`; `none` when there is none. */
export async function nextInLog(connection: Connection, ledger: Ledger, sourceId: number, ordinal: number, none: number): Promise<number> {
  const found = await scalar<string>(connection, `SELECT MIN(ordinal) FROM ${ledger.table('transactions')} WHERE source_id = ? AND ordinal >= ?`, [sourceId, ordinal]);
  return found === null ? none : Number(found);
}

/** The consumer that is furthest behind; null when none has ever run. */
export async function slowestConsumer(connection: Connection, ledger: Ledger, sourceId: number): Promise<HeldBack | null> {
  const found = await row<{ consumer: string; ordinal: string }>(connection,
    `SELECT consumer, ordinal FROM ${ledger.table('cursors')} WHERE source_id = ? ORDER BY ordinal LIMIT 1`, [sourceId]);
  return found && { consumer: found.consumer, ordinal: Number(found.ordinal) };
}

/**
 * Moves consumers past what is given up before they delivered it, and writes down which and how much. The raised epoch ends
 * a running delivery, which starts anew behind the cut.
 */
export async function skipConsumers(connection: Connection, ledger: Ledger, sourceId: number, cut: number): Promise<void> {
  const behind = await rows<{ consumer: string; ordinal: string }>(connection,
    `SELECT consumer, ordinal FROM ${ledger.table('cursors')} WHERE source_id = ? AND ordinal < ?`, [sourceId, cut]);
  for (const { consumer, ordinal } of behind) {
    await connection.query('START TRANSACTION');
    await run(connection,
      `INSERT INTO ${ledger.table('gaps')} (source_id, incarnation_id, reason, schema_name, table_name, from_file, from_offset, to_file, to_offset,
        ordinal, from_micros, to_micros, detail, noted)
       SELECT a.source_id, b.incarnation_id, 'forced-purge', NULL, NULL, a.start_file, a.start_offset, b.end_file, b.end_offset, a.ordinal, a.commit_micros,
        b.commit_micros, ?, UTC_TIMESTAMP(6)
       FROM (SELECT * FROM ${ledger.table('transactions')} WHERE source_id = ? AND ordinal >= ? ORDER BY ordinal LIMIT 1) a,
         (SELECT * FROM ${ledger.table('transactions')} WHERE source_id = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT 1) b WHERE a.ordinal < ?`,
      [`purge --force removed up to ${cut - Number(ordinal)} transactions that ${consumer} had not delivered`, sourceId, Number(ordinal), sourceId, cut, cut]);
    await run(connection,
      `UPDATE ${ledger.table('cursors')} c JOIN ${ledger.table('checkpoints')} k ON k.source_id = c.source_id
       SET c.ordinal = ?, c.block = NULL, c.epoch = k.epoch + 1, c.updated = UTC_TIMESTAMP(6) WHERE c.source_id = ? AND c.consumer = ?`,
      [cut, sourceId, consumer]);
    await connection.query('COMMIT');
  }
}

interface TableSize { schema_name: string; table_name: string; bytes: string | number | null }

/** Bytes that the source's part of the ledger and its backup tables take, by the servers' own statistics. */
export async function bytesHeld(connection: Connection, ledger: Ledger, sourceId: number): Promise<number> {
  const claims = await rows<{ name: string }>(connection, `SELECT backup_database AS name FROM ${ledger.table('claims')} WHERE source_id = ?`, [sourceId]);
  // MySQL shows statistics of a day ago unless told otherwise; MariaDB has no such setting.
  await connection.query('SET SESSION information_schema_stats_expiry = 0').catch(() => undefined);
  const databases = [ledger.name, ...claims.map(({ name }) => name)];
  await analyze(connection, databases);
  const sizes = await rows<TableSize>(connection,
    `SELECT table_schema AS schema_name, table_name AS table_name, data_length + index_length AS bytes FROM information_schema.tables
     WHERE table_schema IN (${databases.map(() => '?').join(', ')})`, databases);
  const raw = await rows<{ source_id: number; raw: string }>(connection, `SELECT source_id, SUM(raw_bytes) AS raw FROM ${ledger.table('blocks')} GROUP BY source_id`);
  const all = raw.reduce((sum, one) => sum + Number(one.raw), 0);
  const share = all === 0 ? 1 : Number(raw.find((one) => one.source_id === sourceId)?.raw ?? 0) / all;
  return sizes.reduce((sum, { schema_name: schema, bytes }) => sum + Number(bytes ?? 0) * (schema === ledger.name ? share : 1), 0);
}

/** Brings statistics up to date, which the server does by itself only some time after a change. */
async function analyze(connection: Connection, databases: readonly string[]): Promise<void> {
  const found = await rows<{ schema_name: string; table_name: string }>(connection,
    `SELECT table_schema AS schema_name, table_name AS table_name FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND table_schema IN (${databases.map(() => '?').join(', ')})`, databases);
  for (let at = 0; at < found.length; at += 50) {
    const some = found.slice(at, at + 50).map((one) => quoteTable(one.schema_name, one.table_name));
    await connection.query(`ANALYZE LOCAL TABLE ${some.join(', ')}`);
  }
}

const BLOCKS_AT_ONCE = 10_000;

/**
 * The ordinal below which about `excess` of `held` bytes lie, taking them to be spread as the raw row images are.
 * @returns 1 when nothing has to go.
 */
export async function ordinalForBytes(connection: Connection, ledger: Ledger, sourceId: number, held: number, most: number): Promise<number> {
  if (held <= most) return 1;
  const all = Number(await scalar(connection, `SELECT SUM(raw_bytes) FROM ${ledger.table('blocks')} WHERE source_id = ?`, [sourceId]) ?? 0);
  let excess = all * (1 - most / held);
  let last = -1;
  while (excess > 0) {
    const found = await rows<{ block: string; raw_bytes: number }>(connection,
      `SELECT block, raw_bytes FROM ${ledger.table('blocks')} WHERE source_id = ? AND block > ? ORDER BY block, part LIMIT ${BLOCKS_AT_ONCE}`, [sourceId, last]);
    if (found.length === 0) break;
    for (const { block, raw_bytes: raw } of found) {
      if (excess <= 0) break;
      excess -= raw;
      last = Number(block);
    }
  }
  const found = await scalar<string>(connection,
    `SELECT ordinal FROM ${ledger.table('transactions')} WHERE source_id = ? AND first_block > ? ORDER BY first_block, ordinal LIMIT 1`, [sourceId, last]);
  return found === null ? endOfLog(connection, ledger, sourceId) : Number(found);
}
