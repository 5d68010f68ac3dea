import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { rows } from '../core/mysql.ts';
import { comparePositions, fileBase, formatPosition, type Position } from '../core/position.ts';
import type { Ledger } from '../store/ledger.ts';
import type { StoredCheckpoint } from '../store/registry.ts';
import { formatMicros } from './datetime.ts';

/** One life of a source's binlog as the log followed it: its incarnation. A file position means something inside one only. */
export interface Life {
  readonly id: number;
  /** 1 for the first: what `incarnation` names. */
  readonly number: number;
  readonly server: string;
  /** Null: the log began by a GTID set, in no file that is known. */
  readonly first: Position | null;
  /** How far the log followed it; null: it is the present one. */
  readonly last: Position | null;
  readonly firstOrdinal: number;
  /** Microseconds since the epoch. */
  readonly since: number;
}

interface LifeRow {
  id: number; server_uuid: string | null; server_id: number; first_file: string; first_offset: string; last_file: string | null; last_offset: string | null;
  first_ordinal: string; created: string;
}

/** Every life of a source's binlog, the present one last. */
export async function readLives(connection: Connection, ledger: Ledger, sourceId: number): Promise<Life[]> {
  const found = await rows<LifeRow>(connection,
    `SELECT id, server_uuid, server_id, first_file, first_offset, last_file, last_offset, first_ordinal, created FROM ${ledger.table('incarnations')}
     WHERE source_id = ? ORDER BY id`, [sourceId]);
  return found.map((life, index) => ({
    id: life.id, number: index + 1, server: life.server_uuid ?? String(life.server_id),
    first: life.first_file === '' ? null : { file: life.first_file, offset: Number(life.first_offset) },
    last: life.last_file === null ? null : { file: life.last_file, offset: Number(life.last_offset) },
    firstOrdinal: Number(life.first_ordinal), since: Date.parse(`${life.created.slice(0, 23).replace(' ', 'T')}Z`) * 1000,
  }));
}

/**
 * The life that file positions mean: the one asked for, or the only one that has them. The present one may still reach them.
 * @param kept the first ordinal that retention has left: lives before it are over for good.
 * @throws UndoError POSITION_AMBIGUOUS, POSITION_INVALID
 */
export function lifeOf(lives: readonly Life[], checkpoint: StoredCheckpoint, positions: readonly Position[], asked: number | null, kept: number): Life {
  const present = lives.find(({ id }) => id === checkpoint.incarnation.id)!;
  if (asked !== null) {
    const named = lives.find(({ number }) => number === asked);
    if (named) return named;
    throw new UndoError('POSITION_INVALID', `The source's binlog has no life ${asked}; the log knows ${tell(lives)}.`, { fix: 'Give one of these numbers.' });
  }
  const meant = lives.filter((life, index) => {
    const over = (lives[index + 1]?.firstOrdinal ?? Number.POSITIVE_INFINITY) <= kept;
    return life === present ? positions.every(({ file }) => fileBase(file) === fileBase(checkpoint.position.file)) && !positions.some((at) => life.first && comparePositions(at, life.first) < 0)
      : !over && positions.every((at) => has(life, at));
  });
  if (meant.length > 1) {
    throw new UndoError('POSITION_AMBIGUOUS', `${positions.map(formatPosition).join(' and ')} can mean several lives of the source's binlog: ${tell(meant)}.`);
  }
  return meant[0] ?? present;
}

function has({ first, last }: Life, at: Position): boolean {
  if (last === null || fileBase(at.file) !== fileBase(last.file) || comparePositions(at, last) > 0) return false;
  return first === null || (fileBase(first.file) === fileBase(at.file) && comparePositions(at, first) >= 0);
}

function tell(lives: readonly Life[]): string {
  return lives.map(({ number, server, first, last, since }) =>
    `${number} (server ${server}, ${first ? formatPosition(first) : 'an unknown file'} to ${last ? formatPosition(last) : 'now'}, followed since ${formatMicros(since)})`).join(', ');
}
