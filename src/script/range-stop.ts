import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { comparePositions, formatPosition, type Position } from '../core/position.ts';
import type { Ledger } from '../store/ledger.ts';
import { readCheckpoint, type SourceRecord, type StoredCheckpoint } from '../store/registry.ts';
import type { LiveSource, ScriptContext } from './context.ts';
import { formatMicros } from './datetime.ts';
import type { Selection } from './selection.ts';
import { sourceNow } from './source-now.ts';

/** Where the stop of a range comes from. */
export type StopFrom = 'asked' | 'source' | 'log';

const POLL_MS = 50;
/** Asking the source again for a proof costs a connection: less often than the checkpoint. */
const PROOF_EVERY_MS = 1000;
/** Without a stop the source's end is meant, which the log reaches a moment later. */
export const DEFAULT_WAIT_SECONDS = 10;

/** @throws UndoError NOT_COVERED for a log that holds nothing yet. */
export async function requireCheckpoint(connection: Connection, ledger: Ledger, source: SourceRecord): Promise<StoredCheckpoint> {
  const checkpoint = await readCheckpoint(connection, ledger, source.id);
  if (!checkpoint || checkpoint.position.file === '') {
    throw new UndoError('NOT_COVERED', `The log of "${source.alias}" holds nothing yet.`, { fix: 'Start binlog-undo run and let it read the binlog.' });
  }
  return checkpoint;
}

/** Where a range ends, and whether the log is complete up to there. */
export class RangeStop {
  readonly #context: ScriptContext;
  readonly #selection: Selection;

  constructor(context: ScriptContext, selection: Selection) {
    this.#context = context;
    this.#selection = selection;
  }

  /** The position that the log must have reached; null when the checkpoint is enough. @throws UndoError NOT_COVERED */
  async target(live: LiveSource | null, checkpoint: StoredCheckpoint, wait: number | null): Promise<{ target: Position | null; from: StopFrom }> {
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

  /**
   * How far the log is complete, once that is the target or beyond.
   * @param begin where the log of this life begins. @param wait seconds.
   * @throws UndoError NOT_COVERED
   */
  async reached(live: LiveSource | null, source: SourceRecord, begin: Position, target: Position, wait: number): Promise<Position> {
    const deadline = performance.now() + wait * 1000;
    let proofAt = 0;
    let reach = begin;
    let unproven = '';
    for (;;) {
      const checkpoint = await requireCheckpoint(this.#context.connection, this.#context.ledger, source);
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
}

function later(a: Position, b: Position): Position {
  return comparePositions(a, b) >= 0 ? a : b;
}
