import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { row } from '../core/mysql.ts';
import { comparePositions, fileBase, fileNumber, formatPosition, type Position } from '../core/position.ts';
import { requireLedger, type Ledger } from '../store/ledger.ts';
import { toTransaction, transactionColumns, type StoredTransaction } from '../store/log-reader.ts';
import { readCheckpoint, requireSource, type SourceRecord, type StoredCheckpoint } from '../store/registry.ts';
import { purgedBefore, refusePurgedOpids, type PurgedHistory } from './purged.ts';
import type { LiveSource, ScriptContext } from './context.ts';
import { formatMicros } from './datetime.ts';
import { lifeOf, readLives, type Life } from './lives.ts';
import type { Selection } from './selection.ts';
import { sourceNow } from './source-now.ts';

/** The stretch of one source's log that a request is about: proven to be complete. */
export interface LogRange {
  readonly source: SourceRecord;
  readonly incarnationId: number;
  readonly serverUuid: string | null;
  readonly serverId: number;
  /** Null when this source's configuration is not at hand. */
  readonly live: LiveSource | null;
  /** Transactions with `from <= ordinal < to`. */
  readonly from: number;
  readonly to: number;
  readonly start: Position;
  readonly stop: Position;
  /** The incarnations that `start` and `stop` are positions of. */
  readonly startLife: number;
  readonly stopLife: number;
  /** Bounds by commit time, where they were given so; microseconds. */
  readonly startMicros: number | null;
  readonly stopMicros: number | null;
  /** Where the stop comes from. */
  readonly stopFrom: 'asked' | 'source' | 'log';
  /** How far the log is complete, as far as was looked. */
  readonly reach: Position;
}

interface LogBegin {
  readonly life: Life;
  readonly position: Position;
  readonly micros: number;
  readonly ordinal: number;
  /** What retention has removed of what is asked for. */
  readonly purged: PurgedHistory | null;
}

const POLL_MS = 50;
/** Asking the source again for a proof costs a connection: less often than the checkpoint. */
const PROOF_EVERY_MS = 1000;
/** Without a stop the source's end is meant, which the log reaches a moment later. */
const DEFAULT_WAIT_SECONDS = 10;

type Fields = Record<string, string | number | null>;

/** One request for a range. */
export class RangeResolver {
  readonly #context: ScriptContext;
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #selection: Selection;

  constructor(context: ScriptContext, selection: Selection) {
    this.#context = context;
    this.#connection = context.connection;
    this.#ledger = context.ledger;
    this.#selection = selection;
  }

  /**
   * @param presentLife begin no earlier than the present life of the source's binlog does.
   * @param wait seconds to wait for the log to reach the stop; null: the default.
   * @throws UndoError NOT_COVERED, POSITION_INSIDE_TRANSACTION, RANGE_INVERTED, POSITION_INVALID, SOURCE_UNKNOWN, SOURCE_AMBIGUOUS,
   *   POSITION_AMBIGUOUS
   */
  async resolve(wait: number | null, presentLife = false): Promise<LogRange> {
    await requireLedger(this.#connection, this.#ledger);
    const source = await requireSource(this.#connection, this.#ledger, this.#selection.source);
    const checkpoint = await this.#checkpoint(source);
    await refusePurgedOpids(this.#connection, this.#ledger, source.id, this.#selection.opids);
    const lives = await readLives(this.#connection, this.#ledger, source.id);
    const present = lives.find(({ id }) => id === checkpoint.incarnation.id)!;
    const { startPosition, startTime, stopPosition, stopTime, incarnation } = this.#selection;
    const purged = await purgedBefore(this.#connection, this.#ledger, source.id, this.#selection);
    const positions = [startPosition, stopPosition].filter((position) => position !== null);
    const life = positions.length === 0 ? present : lifeOf(lives, checkpoint, positions, incarnation, purged?.point.ordinal ?? 0);
    const begin = await this.#begin(source, checkpoint, presentLife ? [present] : lives, purged);
    this.#checkStart(begin, checkpoint, life);
    const live = this.#context.live?.alias === source.alias ? this.#context.live : null;
    const past = life === present ? null : life;
    const stop = past && stopPosition ? { target: null, from: 'asked' } as const : await this.#target(live, checkpoint, wait);
    const reach = stop.target === null ? checkpoint.position : await this.#reached(live, source, present.first ?? stop.target, stop.target, wait ?? (stop.from === 'source' ? DEFAULT_WAIT_SECONDS : 0));
    const end = past && stopPosition ? stopPosition : stop.target ?? reach;
    if (startPosition !== null && past === null && comparePositions(startPosition, end) > 0) {
      throw new UndoError('NOT_COVERED', `The start ${formatPosition(startPosition)} lies behind the end of ${stop.from === 'source' ? "the source's binlog" : 'the log'}, ${formatPosition(end)}.`);
    }
    const fresh = await this.#checkpoint(source);
    const from = Math.max(begin.ordinal, startPosition ? await this.#boundary(source, life, startPosition) : 1, startTime ? await this.#atTime(source, startTime.micros, fresh.nextOrdinal) : 1);
    const stopLife = stopPosition ? life : present;
    const to = Math.max(from, Math.min(
      fresh.nextOrdinal,
      stopPosition || stop.target ? await this.#boundary(source, stopLife, stopPosition ?? stop.target!, stopPosition !== null) : fresh.nextOrdinal,
      stopTime ? await this.#atTime(source, stopTime.micros, fresh.nextOrdinal) : fresh.nextOrdinal,
    ));
    return {
      source, incarnationId: checkpoint.incarnation.id, serverUuid: checkpoint.incarnation.serverUuid, serverId: checkpoint.incarnation.serverId,
      live, from, to, reach, stopFrom: stop.from,
      start: startPosition ?? begin.position, stop: end, startLife: startPosition ? life.id : begin.life.id, stopLife: stopLife.id,
      startMicros: startTime?.micros ?? null, stopMicros: stopTime?.micros ?? null,
    };
  }

  async #checkpoint(source: SourceRecord): Promise<StoredCheckpoint> {
    const checkpoint = await readCheckpoint(this.#connection, this.#ledger, source.id);
    if (!checkpoint || checkpoint.position.file === '') {
      throw new UndoError('NOT_COVERED', `The log of "${source.alias}" holds nothing yet.`, { fix: 'Start binlog-undo run and let it read the binlog.' });
    }
    return checkpoint;
  }

  /** Where the log begins, by position and by time: at the first of these lives, or behind what retention has removed. */
  async #begin(source: SourceRecord, checkpoint: StoredCheckpoint, lives: readonly Life[], purged: PurgedHistory | null): Promise<LogBegin> {
    const [first] = lives;
    const purgedLife = purged && lives.find(({ id }) => id === purged.point.incarnationId);
    if (purged && purgedLife) {
      const { position, commitMicros, ordinal } = purged.point;
      return { life: purgedLife, position, micros: commitMicros + 1, ordinal, purged };
    }
    const earliest = await this.#transaction('t.source_id = ? AND t.ordinal >= ? ORDER BY t.ordinal LIMIT 1', [source.id, first!.firstOrdinal]);
    return {
      // A log that was started by a GTID set begins in no file that is known: with its first transaction at the latest.
      life: first!, position: first!.first ?? (earliest?.incarnationId === first!.id ? earliest.start : first!.last ?? checkpoint.position),
      micros: Math.min(first!.since, earliest?.commitMicros ?? first!.since),
      ordinal: Math.max(first!.firstOrdinal, purged?.point.ordinal ?? 1), purged,
    };
  }

  #checkStart(begin: LogBegin, checkpoint: StoredCheckpoint, life: Life): void {
    const { startPosition, stopPosition, startTime } = this.#selection;
    const where = begin.purged ? begin.purged.reason : `the log begins at ${formatPosition(begin.position)} (${formatMicros(begin.micros)})`;
    for (const position of [startPosition, stopPosition]) {
      if (position === null) continue;
      sameBinlog(position, life.last ?? checkpoint.position);
      const before = life.id < begin.life.id || (life.first !== null && comparePositions(position, life.first) < 0);
      if (before || (life === begin.life && comparePositions(position, begin.position) < 0)) {
        const since = life === begin.life || life.first === null ? where : `the log follows that life of the binlog from ${formatPosition(life.first)} on`;
        throw new UndoError('NOT_COVERED', `${formatPosition(position)} is not in the log: ${since}.`);
      }
      if (life.last !== null && comparePositions(position, life.last) > 0) {
        throw new UndoError('NOT_COVERED', `${formatPosition(position)} is not in the log, which followed that life of the binlog to ${formatPosition(life.last)}.`, {
          fix: 'Choose a range inside it, or name a later life with --incarnation (HTTP: incarnation).',
        });
      }
    }
    if (startPosition && stopPosition && comparePositions(stopPosition, startPosition) < 0) {
      throw new UndoError('RANGE_INVERTED', `The stop ${formatPosition(stopPosition)} lies before the start ${formatPosition(startPosition)}.`);
    }
    if (startTime && startTime.micros < begin.micros) {
      throw new UndoError('NOT_COVERED', `${formatMicros(startTime.micros)} is not in the log: ${where}.`);
    }
  }

  /** The position that the log must have reached; null when the checkpoint is enough. */
  async #target(live: LiveSource | null, checkpoint: StoredCheckpoint, wait: number | null): Promise<{ target: Position | null; from: LogRange['stopFrom'] }> {
    const { stopPosition, stopTime, opids } = this.#selection;
    if (stopPosition) return { target: stopPosition, from: 'asked' };
    if (stopTime) {
      if (stopTime.micros <= checkpoint.commitMicros) return { target: null, from: 'asked' };
      const now = await this.#sourceAt(live, stopTime.micros, wait ?? 0);
      if (now) return { target: now, from: 'asked' };
      throw new UndoError('NOT_COVERED', `The log reaches to ${formatPosition(checkpoint.position)}, with its last commit at ${formatMicros(checkpoint.commitMicros)}; `
        + `that it is complete to ${formatMicros(stopTime.micros)} cannot be told.`, { fix: 'Choose a stop in the past, wait for it with --wait, or leave the stop out.' });
    }
    // Operations named one by one are in the log, or they are not.
    if (opids.length > 0 || live === null) return { target: null, from: 'log' };
    const now = await sourceNow(live.endpoint);
    return now ? { target: now.position, from: 'source' } : { target: null, from: 'log' };
  }

  /** The source's end once its clock has passed `micros`; null when that does not come within `wait` seconds. */
  async #sourceAt(live: LiveSource | null, micros: number, wait: number): Promise<Position | null> {
    const deadline = performance.now() + wait * 1000;
    for (;;) {
      const now = live ? await sourceNow(live.endpoint) : null;
      if (now !== null && now.micros >= micros) return now.position;
      if (now === null || performance.now() >= deadline) return null;
      await this.#pause(Math.min(PROOF_EVERY_MS, Math.max(POLL_MS, (micros - now.micros) / 1000)));
    }
  }

  async #reached(live: LiveSource | null, source: SourceRecord, begin: Position, target: Position, wait: number): Promise<Position> {
    const deadline = performance.now() + wait * 1000;
    let proofAt = 0;
    let reach = begin;
    let unproven = '';
    for (;;) {
      const checkpoint = await this.#checkpoint(source);
      reach = later(reach, checkpoint.position);
      if (comparePositions(reach, target) < 0 && live && performance.now() >= proofAt) {
        try {
          reach = later(reach, await live.prove(source, checkpoint, target));
        } catch (error) {
          if (!(error instanceof UndoError)) throw error;
          unproven = ` (the source could not be asked whether more than that is covered: ${error.message})`;
        }
        proofAt = performance.now() + PROOF_EVERY_MS;
      }
      if (comparePositions(reach, target) >= 0) return reach;
      if (performance.now() >= deadline) {
        const waited = wait > 0 ? ` after ${wait} seconds` : '';
        throw new UndoError('NOT_COVERED', `The log reaches to ${formatPosition(reach)}${waited}, not yet to ${formatPosition(target)}${unproven}.`, {
          fix: `Wait for it with --wait SECONDS (HTTP: wait), or stop at ${formatPosition(reach)}; binlog-undo status shows whether the daemon runs.`,
        });
      }
      await this.#pause(POLL_MS);
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await delay(milliseconds, undefined, this.#context.signal ? { signal: this.#context.signal } : {});
  }

  /** The first ordinal at or behind a position. @throws UndoError POSITION_INSIDE_TRANSACTION */
  async #boundary(source: SourceRecord, life: Life, position: Position, strict = true): Promise<number> {
    const number = fileNumber(position.file);
    const before = await this.#transaction(
      `t.source_id = ? AND t.incarnation_id = ? AND (t.start_number < ? OR (t.start_number = ? AND t.start_offset < ?))
       ORDER BY t.incarnation_id DESC, t.start_number DESC, t.start_offset DESC LIMIT 1`, [source.id, life.id, number, number, position.offset]);
    if (before && strict && comparePositions(before.end, position) > 0) {
      throw new UndoError('POSITION_INSIDE_TRANSACTION',
        `${formatPosition(position)} lies inside the transaction from ${formatPosition(before.start)} to ${formatPosition(before.end)}.`);
    }
    return before ? before.ordinal + 1 : life.firstOrdinal;
  }

  /** The first ordinal committed at that time or later. */
  async #atTime(source: SourceRecord, micros: number, none: number): Promise<number> {
    const found = await this.#transaction('t.source_id = ? AND t.commit_micros >= ? ORDER BY t.commit_micros, t.ordinal LIMIT 1', [source.id, micros]);
    return found?.ordinal ?? none;
  }

  async #transaction(where: string, parameters: readonly (string | number)[]): Promise<StoredTransaction | null> {
    const found = await row<Fields>(this.#connection, `SELECT ${transactionColumns('t')} FROM ${this.#ledger.table('transactions')} t WHERE ${where}`, parameters);
    return found ? toTransaction(found) : null;
  }
}

function later(a: Position, b: Position): Position {
  return comparePositions(a, b) >= 0 ? a : b;
}

function sameBinlog(position: Position, known: Position): void {
  if (fileBase(position.file) !== fileBase(known.file)) {
    throw new UndoError('POSITION_INVALID', `"${position.file}" is not a file of the source's binlog, whose files are called ${fileBase(known.file)}.NNNNNN.`);
  }
}
