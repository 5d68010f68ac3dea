import { comparePositions, type Position } from '../core/position.ts';
import type { TableDefinition } from './definition.ts';
import { prove, type Entries } from './entries.ts';
import type { TrackerOptions } from './tracker-options.ts';
import { sameDefinition, sameShape, type DefinitionReading, type Tracked } from './tracked.ts';

/** Replayed definitions are compared with the source's own so many at a time, so often. */
const CONFIRMED_AT_ONCE = 20;
const CONFIRM_MS = 2000;

/** Compares what replays made with what the source has, whose word counts. */
export class Confirmations {
  readonly #entries: Entries;
  readonly #options: Pick<TrackerOptions, 'read' | 'failed' | 'differs' | 'changed'>;
  readonly #unconfirmed = new Set<Tracked>();
  readonly #confirming = new Map<Tracked, DefinitionReading>();
  #confirmAt = 0;

  constructor(entries: Entries, options: Pick<TrackerOptions, 'read' | 'failed' | 'differs' | 'changed'>) {
    this.#entries = entries;
    this.#options = options;
    entries.onForgotten.push((tracked) => {
      this.#unconfirmed.delete(tracked);
      this.#confirming.delete(tracked);
    });
  }

  /** A replay gave this definition, or it was read on another server. */
  add(tracked: Tracked, definition: TableDefinition): void {
    tracked.replayed = definition;
    this.#unconfirmed.add(tracked);
  }

  /** It was wrong. */
  drop(tracked: Tracked): void {
    tracked.replayed = null;
    this.#unconfirmed.delete(tracked);
  }

  passed(at: Position): void {
    if (this.#unconfirmed.size > 0 && performance.now() >= this.#confirmAt) void this.#confirmSome();
    for (const [tracked, reading] of this.#confirming) {
      if (comparePositions(at, reading.after) < 0) continue;
      this.#confirming.delete(tracked);
      this.#confirm(tracked, reading);
    }
  }

  /** Asks the source for a few tables that a replay gave; the stream passing the answer without DDL makes it count. */
  async #confirmSome(): Promise<void> {
    this.#confirmAt = Number.POSITIVE_INFINITY;
    try {
      for (const tracked of [...this.#unconfirmed].slice(0, CONFIRMED_AT_ONCE)) {
        const reading = await this.#options.read(tracked.schema, tracked.table);
        this.#unconfirmed.delete(tracked);
        if (this.#entries.isCurrent(tracked)) this.#confirming.set(tracked, reading);
      }
    } catch (error) {
      this.#options.failed(error);
    } finally {
      this.#confirmAt = performance.now() + CONFIRM_MS;
    }
  }

  #confirm(tracked: Tracked, { definition }: DefinitionReading): void {
    const { replayed } = tracked;
    tracked.replayed = null;
    if (replayed === null || definition === null || !('columns' in definition) || sameDefinition(replayed, definition)) return;
    prove(tracked, definition);
    if (!sameShape(replayed, definition)) this.#options.differs(tracked);
    this.#entries.push({ kind: 'corrected', schema: tracked.schema, table: tracked.table, definition });
    this.#options.changed();
  }
}
