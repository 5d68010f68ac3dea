import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { comparePositions, fileBase, formatPosition, type Position } from '../core/position.ts';
import { requireLedger, type Ledger } from '../store/ledger.ts';
import { requireSource, type SourceRecord, type StoredCheckpoint } from '../store/registry.ts';
import type { LiveSource, ScriptContext } from './context.ts';
import { formatMicros } from './datetime.ts';
import { lifeOf, readLives, type Life } from './lives.ts';
import { OrdinalFinder } from './ordinals.ts';
import { purgedBefore, refusePurgedOpids, type PurgedHistory } from './purged.ts';
import { DEFAULT_WAIT_SECONDS, RangeStop, requireCheckpoint, type StopFrom } from './range-stop.ts';
import type { Selection } from './selection.ts';

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
  readonly stopFrom: StopFrom;
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

/** One request for a range. */
export class RangeResolver {
  readonly #context: ScriptContext;
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #selection: Selection;
  readonly #stop: RangeStop;
  readonly #ordinals: OrdinalFinder;

  constructor(context: ScriptContext, selection: Selection) {
    this.#context = context;
    this.#connection = context.connection;
    this.#ledger = context.ledger;
    this.#selection = selection;
    this.#stop = new RangeStop(context, selection);
    this.#ordinals = new OrdinalFinder(context.connection, context.ledger);
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
    const checkpoint = await requireCheckpoint(this.#connection, this.#ledger, source);
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
    const stop = past && stopPosition ? { target: null, from: 'asked' } as const : await this.#stop.target(live, checkpoint, wait);
    const reach = stop.target === null ? checkpoint.position : await this.#stop.reached(live, source, present.first ?? stop.target, stop.target, wait ?? (stop.from === 'source' ? DEFAULT_WAIT_SECONDS : 0));
    const end = past && stopPosition ? stopPosition : stop.target ?? reach;
    if (startPosition !== null && past === null && comparePositions(startPosition, end) > 0) {
      throw new UndoError('NOT_COVERED', `The start ${formatPosition(startPosition)} lies behind the end of ${stop.from === 'source' ? "the source's binlog" : 'the log'}, ${formatPosition(end)}.`);
    }
    const fresh = await requireCheckpoint(this.#connection, this.#ledger, source);
    const from = Math.max(begin.ordinal, startPosition ? await this.#ordinals.at(source, life, startPosition) : 1, startTime ? await this.#ordinals.since(source, startTime.micros, fresh.nextOrdinal) : 1);
    const stopLife = stopPosition ? life : present;
    const to = Math.max(from, Math.min(
      fresh.nextOrdinal,
      stopPosition || stop.target ? await this.#ordinals.at(source, stopLife, stopPosition ?? stop.target!, stopPosition !== null) : fresh.nextOrdinal,
      stopTime ? await this.#ordinals.since(source, stopTime.micros, fresh.nextOrdinal) : fresh.nextOrdinal,
    ));
    return {
      source, incarnationId: checkpoint.incarnation.id, serverUuid: checkpoint.incarnation.serverUuid, serverId: checkpoint.incarnation.serverId,
      live, from, to, reach, stopFrom: stop.from,
      start: startPosition ?? begin.position, stop: end, startLife: startPosition ? life.id : begin.life.id, stopLife: stopLife.id,
      startMicros: startTime?.micros ?? null, stopMicros: stopTime?.micros ?? null,
    };
  }

  /** Where the log begins, by position and by time: at the first of these lives, or behind what retention has removed. */
  async #begin(source: SourceRecord, checkpoint: StoredCheckpoint, lives: readonly Life[], purged: PurgedHistory | null): Promise<LogBegin> {
    const [first] = lives;
    const purgedLife = purged && lives.find(({ id }) => id === purged.point.incarnationId);
    if (purged && purgedLife) {
      const { position, commitMicros, ordinal } = purged.point;
      return { life: purgedLife, position, micros: commitMicros + 1, ordinal, purged };
    }
    const earliest = await this.#ordinals.first('t.source_id = ? AND t.ordinal >= ? ORDER BY t.ordinal LIMIT 1', [source.id, first!.firstOrdinal]);
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
}

function sameBinlog(position: Position, known: Position): void {
  if (fileBase(position.file) !== fileBase(known.file)) {
    throw new UndoError('POSITION_INVALID', `"${position.file}" is not a file of the source's binlog, whose files are called ${fileBase(known.file)}.NNNNNN.`);
  }
}
