import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { row, rows, run } from '../core/mysql.ts';
import { fileNumber, type Position } from '../core/position.ts';
import type { Anchor } from '../binlog/anchor.ts';
import type { FilterSettings } from '../capture/filter.ts';
import type { CheckpointState } from './batch.ts';
import type { Ledger } from './ledger.ts';
import { newestBlock } from './newest-block.ts';

export interface SourceRecord {
  readonly id: number;
  readonly alias: string;
  readonly flavour: 'mysql' | 'mariadb';
  /** Names the backup databases: `<label>_<labelPort>_<schema>`. */
  readonly label: string;
  readonly labelPort: number;
}

export interface Incarnation {
  readonly id: number;
  readonly serverUuid: string | null;
  readonly serverId: number;
  /** How many lives of this source's binlog came before. */
  readonly life: number;
  /** What the log had from the life before: this one's binlog may hold it once more. Null: nothing. */
  readonly startGtids: string | null;
}

/** A server as an incarnation records it. */
export interface ServerIdentity {
  /** Null on MariaDB. */
  readonly uuid: string | null;
  readonly id: number;
  readonly version: string;
}

/** Where a life of a source's binlog begins for the log. */
export interface LogStart extends Pick<CheckpointState, 'position' | 'gtidSet' | 'commitMicros'> {
  readonly startGtids: string | null;
}

export interface StoredCheckpoint extends CheckpointState {
  readonly epoch: number;
  readonly incarnation: Incarnation;
}

interface SourceRow { id: number; alias: string; flavour: 'mysql' | 'mariadb'; label: string; label_port: number }

const toSource = (found: SourceRow): SourceRecord => ({
  id: found.id, alias: found.alias, flavour: found.flavour, label: found.label, labelPort: found.label_port,
});

export async function listSources(connection: Connection, ledger: Ledger): Promise<SourceRecord[]> {
  const found = await rows<SourceRow>(connection, `SELECT id, alias, flavour, label, label_port FROM ${ledger.table('sources')} ORDER BY alias`);
  return found.map(toSource);
}

/** @throws UndoError SOURCE_UNKNOWN, SOURCE_AMBIGUOUS when `alias` is null and the ledger holds several. */
export async function requireSource(connection: Connection, ledger: Ledger, alias: string | null): Promise<SourceRecord> {
  const sources = await listSources(connection, ledger);
  const names = sources.map((source) => source.alias).join(', ') || 'none yet';
  if (alias === null) {
    if (sources.length > 1) throw new UndoError('SOURCE_AMBIGUOUS', `The ledger holds several sources: ${names}.`);
    const [only] = sources;
    if (!only) throw new UndoError('SOURCE_UNKNOWN', `The ledger "${ledger.name}" holds no source.`);
    return only;
  }
  const source = sources.find((candidate) => candidate.alias === alias);
  if (!source) throw new UndoError('SOURCE_UNKNOWN', `The ledger holds no source "${alias}"; it holds: ${names}.`);
  return source;
}

/** Finds or makes the source's row. Its label is decided at the first start and stays. */
export async function registerSource(connection: Connection, ledger: Ledger, source: Omit<SourceRecord, 'id'>): Promise<SourceRecord> {
  await run(connection,
    `INSERT IGNORE INTO ${ledger.table('sources')} (alias, flavour, label, label_port, created) VALUES (?, ?, ?, ?, UTC_TIMESTAMP(6))`,
    [source.alias, source.flavour, source.label, source.labelPort]);
  const found = await requireSource(connection, ledger, source.alias);
  if (found.flavour !== source.flavour) {
    throw new UndoError('INCARNATION_CHANGED', `Source "${source.alias}" was ${found.flavour} and is ${source.flavour} now.`);
  }
  return found;
}

export async function readCheckpoint(connection: Connection, ledger: Ledger, sourceId: number): Promise<StoredCheckpoint | null> {
  const found = await row<{
    epoch: string; incarnation_id: number; file: string; file_offset: string; gtid_set: string | null; next_ordinal: string; next_block: string;
    commit_micros: string; anchor: string | null; server_uuid: string | null; server_id: number; start_gtids: string | null; life: string;
  }>(connection,
    `SELECT c.epoch, c.incarnation_id, c.file, c.file_offset, c.gtid_set, c.next_ordinal, c.next_block, c.commit_micros, c.anchor, i.server_uuid, i.server_id, i.start_gtids,
       (SELECT COUNT(*) FROM ${ledger.table('incarnations')} e WHERE e.source_id = c.source_id AND e.id < c.incarnation_id) AS life
     FROM ${ledger.table('checkpoints')} c JOIN ${ledger.table('incarnations')} i ON i.id = c.incarnation_id WHERE c.source_id = ?`, [sourceId]);
  if (!found) return null;
  return {
    epoch: Number(found.epoch),
    incarnation: { id: found.incarnation_id, serverUuid: found.server_uuid, serverId: found.server_id, life: Number(found.life), startGtids: found.start_gtids },
    position: { file: found.file, offset: Number(found.file_offset) },
    anchor: found.anchor === null ? null : JSON.parse(found.anchor) as Anchor, gtidSet: found.gtid_set,
    nextOrdinal: Number(found.next_ordinal), nextBlock: Number(found.next_block), commitMicros: Number(found.commit_micros),
  };
}

async function insertIncarnation(
  connection: Connection, ledger: Ledger, sourceId: number, server: ServerIdentity, start: LogStart, firstOrdinal: number,
): Promise<number> {
  const made = await run(connection,
    `INSERT INTO ${ledger.table('incarnations')} (source_id, server_uuid, server_id, version, first_file, first_offset, first_ordinal, start_gtids, created)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6))`,
    [sourceId, server.uuid, server.id, server.version, start.position.file, start.position.offset, firstOrdinal, start.startGtids]);
  return made.insertId;
}

/** Writes a source's first checkpoint: the log begins here. Owned by nobody yet: epoch 0. */
export async function createCheckpoint(connection: Connection, ledger: Ledger, sourceId: number, server: ServerIdentity, start: LogStart): Promise<void> {
  await connection.query('START TRANSACTION');
  const incarnation = await insertIncarnation(connection, ledger, sourceId, server, start, 1);
  await run(connection,
    `INSERT INTO ${ledger.table('checkpoints')} (source_id, epoch, incarnation_id, file, file_offset, gtid_set, next_ordinal, next_block, commit_micros, updated)
     VALUES (?, 0, ?, ?, ?, ?, 1, 1, ?, UTC_TIMESTAMP(6))`,
    [sourceId, incarnation, start.position.file, start.position.offset, start.gtidSet, start.commitMicros]);
  await connection.query('COMMIT');
}

/** Where entries end that were in force, and not proven, when the life of a binlog ended: behind all of its files. */
export const UNPROVEN_END = 4294967295;

/**
 * Begins a new life of a source's binlog where the log goes on from: its ordinals go on, positions mean the new one from here.
 * Readings of definitions that the old life did not prove are ended: nothing will prove them any more.
 */
export async function beginIncarnation(
  connection: Connection, ledger: Ledger, sourceId: number, server: ServerIdentity, old: StoredCheckpoint, start: LogStart,
): Promise<void> {
  await proveWhatWasPassed(connection, ledger, sourceId, old);
  // No session runs DDL of a life that is over again: what waited for that waits no more.
  await run(connection, `UPDATE ${ledger.table('definitions')} SET ddl = NULL WHERE source_id = ? AND incarnation_id = ? AND proven = 0`, [sourceId, old.incarnation.id]);
  await run(connection, `UPDATE ${ledger.table('definitions')} SET until_number = ${UNPROVEN_END}, until_offset = 0
    WHERE source_id = ? AND incarnation_id = ? AND until_number IS NULL AND proven = 0`, [sourceId, old.incarnation.id]);
  const { file, offset } = old.position;
  await run(connection, `UPDATE ${ledger.table('incarnations')} SET last_file = ?, last_offset = ? WHERE id = ?`, [file, offset, old.incarnation.id]);
  const incarnation = await insertIncarnation(connection, ledger, sourceId, server, start, old.nextOrdinal);
  await run(connection, `UPDATE ${ledger.table('checkpoints')} SET incarnation_id = ?, file = ?, file_offset = ?, anchor = NULL, gtid_set = ?, updated = UTC_TIMESTAMP(6) WHERE source_id = ?`,
    [incarnation, start.position.file, start.position.offset, start.gtidSet, sourceId]);
}

/** A checkpoint without a file was made before the first one was known. */
function place({ file, offset }: Position): { readonly number: number; readonly offset: number } {
  return { number: file === '' ? 0 : fileNumber(file), offset };
}

/** No DDL on their tables was met up to the checkpoint, so readings that lie before it hold. */
export async function proveWhatWasPassed(connection: Connection, ledger: Ledger, sourceId: number, { incarnation, position }: StoredCheckpoint): Promise<void> {
  const { number, offset } = place(position);
  await run(connection,
    `UPDATE ${ledger.table('definitions')} SET proven = 1 WHERE source_id = ? AND incarnation_id = ? AND until_number IS NULL AND proven = 0
     AND definition IS NOT NULL AND (read_number < ? OR (read_number = ? AND read_offset <= ?))`, [sourceId, incarnation.id, number, number, offset]);
}

/** Moves the checkpoint inside its life of the binlog, to where no event has led. */
export async function moveCheckpoint(
  connection: Connection, ledger: Ledger, sourceId: number, to: Pick<CheckpointState, 'position' | 'gtidSet'>,
): Promise<void> {
  await run(connection, `UPDATE ${ledger.table('checkpoints')} SET file = ?, file_offset = ?, anchor = NULL, gtid_set = ?, updated = UTC_TIMESTAMP(6) WHERE source_id = ?`,
    [to.position.file, to.position.offset, to.gtidSet, sourceId]);
}

/**
 * Moves the checkpoint past history that the log will never hold. What lies there may have altered any table, so every
 * definition in force ends; what was seen but not proven is not kept: no later reading could tell what held before.
 */
export async function passOver(
  connection: Connection, ledger: Ledger, sourceId: number, old: StoredCheckpoint, to: Pick<CheckpointState, 'position' | 'gtidSet'>,
): Promise<void> {
  await proveWhatWasPassed(connection, ledger, sourceId, old);
  const { number, offset } = place(old.position);
  await run(connection,
    `UPDATE ${ledger.table('definitions')} SET definition = IF(proven = 1, definition, NULL), until_number = ?, until_offset = ?
     WHERE source_id = ? AND incarnation_id = ? AND until_number IS NULL`, [number, offset, sourceId, old.incarnation.id]);
  await run(connection, `UPDATE ${ledger.table('objects')} SET until_number = ?, until_offset = ? WHERE source_id = ? AND incarnation_id = ? AND until_number IS NULL`,
    [number, offset, sourceId, old.incarnation.id]);
  await moveCheckpoint(connection, ledger, sourceId, to);
}

/**
 * Runs `write` in one transaction that holds the source's checkpoint row, so that nobody who was taken over writes in it.
 * @throws UndoError LEADER_LOST when the epoch is another daemon's.
 */
export async function underEpoch<T>(connection: Connection, ledger: Ledger, sourceId: number, epoch: number, write: () => Promise<T>): Promise<T> {
  await connection.query('START TRANSACTION');
  try {
    const held = await row(connection, `SELECT epoch FROM ${ledger.table('checkpoints')} WHERE source_id = ? AND epoch = ? FOR UPDATE`, [sourceId, epoch]);
    if (!held) throw new UndoError('LEADER_LOST', 'The epoch in the ledger was raised by another daemon.');
    const result = await write();
    await connection.query('COMMIT');
    return result;
  } catch (error) {
    // A connection that is lost has rolled back by itself.
    await connection.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Removes parts of a transaction that was open when the last writer ended. @returns the number of rows removed. */
export async function removeOrphans(connection: Connection, ledger: Ledger, sourceId: number, nextOrdinal: number): Promise<number> {
  const newest = await newestBlock(connection, ledger, sourceId);
  const blocks = await run(connection, `DELETE FROM ${ledger.table('blocks')} WHERE source_id = ? AND block > ?`, [sourceId, newest]);
  await run(connection, `DELETE FROM ${ledger.table('block_keys')} WHERE source_id = ? AND block > ?`, [sourceId, newest]);
  const operations = await run(connection,
    `DELETE FROM ${ledger.table('operations')} WHERE source_id = ? AND ordinal >= ? AND ordinal NOT IN (SELECT parking FROM ${ledger.table('prepared')} WHERE source_id = ?)`,
    [sourceId, nextOrdinal, sourceId]);
  return blocks.affectedRows + operations.affectedRows;
}

/** Notes what is captured from here on, when it differs from before. */
export async function recordEra(
  connection: Connection, ledger: Ledger, sourceId: number, filter: FilterSettings, checkpoint: StoredCheckpoint,
): Promise<void> {
  const text = JSON.stringify(filter);
  const last = await row<{ filter: string }>(connection,
    `SELECT filter FROM ${ledger.table('eras')} WHERE source_id = ? ORDER BY id DESC LIMIT 1`, [sourceId]);
  if (last?.filter === text) return;
  // What is captured anew was not read with the rest of its schema.
  await run(connection,
    `UPDATE ${ledger.table('objects')} SET until_number = ?, until_offset = ? WHERE source_id = ? AND incarnation_id = ? AND until_number IS NULL`,
    [fileNumber(checkpoint.position.file), checkpoint.position.offset, sourceId, checkpoint.incarnation.id]);
  await run(connection,
    `UPDATE ${ledger.table('definitions')} SET until_number = ?, until_offset = ? WHERE source_id = ? AND incarnation_id = ? AND table_name = '' AND until_number IS NULL`,
    [fileNumber(checkpoint.position.file), checkpoint.position.offset, sourceId, checkpoint.incarnation.id]);
  await run(connection,
    `INSERT INTO ${ledger.table('eras')} (source_id, incarnation_id, file, file_offset, ordinal, commit_micros, filter, noted) VALUES (?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6))`,
    [sourceId, checkpoint.incarnation.id, checkpoint.position.file, checkpoint.position.offset, checkpoint.nextOrdinal, checkpoint.commitMicros, text]);
}

/** The backup databases of every source of this ledger, by name. */
export async function claimedDatabases(connection: Connection, ledger: Ledger): Promise<string[]> {
  const found = await rows<{ backup_database: string }>(connection, `SELECT backup_database FROM ${ledger.table('claims')}`);
  return found.map((claim) => claim.backup_database);
}

export function samePosition(a: Position, b: Position): boolean {
  return a.file === b.file && a.offset === b.offset;
}
