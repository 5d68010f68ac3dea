import type { TableName } from '../binlog/sql/classify.ts';
import { comparePositions, type Position } from '../core/position.ts';
import type { Entries } from './entries.ts';
import type { SeedReading, TrackerOptions } from './tracker-options.ts';
import { take, type DefinitionReading, type Tracked } from './tracked.ts';

/** A reading that failed, on a table that somebody holds locked perhaps, is tried again so often. */
const RETRY_MS = 5000;

/** Asks the source for definitions. An answer is proven once the stream has passed it without meeting DDL on that table. */
export class Readings {
  readonly #entries: Entries;
  readonly #options: Pick<TrackerOptions, 'read' | 'failed' | 'changed'>;
  readonly #passAgain: (at: Position) => void;
  /** Read, and not passed yet. */
  readonly #unproven = new Set<Tracked>();
  /** Their reading failed. */
  readonly #unread = new Set<Tracked>();
  #last: Position | null = null;
  /** Where events were lost last. */
  #lostAt: Position | null = null;
  #retryAt = 0;

  /** @param passAgain the stream may have passed a reading while it was under way. */
  constructor(entries: Entries, options: Pick<TrackerOptions, 'read' | 'failed' | 'changed'>, passAgain: (at: Position) => void) {
    this.#entries = entries;
    this.#options = options;
    this.#passAgain = passAgain;
    entries.onForgotten.push((tracked) => {
      this.#unproven.delete(tracked);
      this.#unread.delete(tracked);
    });
  }

  /** The stream stands here, before anything is read. */
  startAt(position: Position): void {
    this.#last = position;
  }

  /** What was read before it is not all there was. */
  lost(at: Position): void {
    this.#lostAt = at;
  }

  /** Rows ask for a table whose reading has failed. */
  wanted(tracked: Tracked): void {
    if (this.#unread.delete(tracked)) void this.fetch(tracked);
  }

  passed(at: Position): void {
    this.#last = at;
    if (this.#unread.size > 0 && performance.now() >= this.#retryAt) this.#readAgain();
    for (const tracked of this.#unproven) {
      if (tracked.reading === null || comparePositions(at, tracked.reading.after) < 0) continue;
      this.#unproven.delete(tracked);
      tracked.state = 'proven';
      tracked.reading = null;
      this.#entries.push({ kind: 'proven', schema: tracked.schema, table: tracked.table });
      this.#options.changed();
    }
  }

  /** Reads tables that no rows have asked for yet. @param read asks for those of the names that are not tracked. */
  async seed(names: readonly TableName[], read: (names: readonly TableName[]) => Promise<SeedReading>): Promise<void> {
    const added = names.filter((name) => !this.#entries.find(name)).map(({ schema, table }) => this.#entries.add(schema, table, this.#last!, 'reading'));
    if (added.length === 0) return;
    for (const tracked of added) tracked.noted = false;
    try {
      const { definitions, before, after } = await read(added);
      for (const [i, tracked] of added.entries()) {
        if (!this.#entries.isCurrent(tracked) || tracked.state !== 'reading') continue;
        const definition = definitions[i] ?? null;
        if (tracked.table === '' && this.#lostAt && comparePositions(before, this.#lostAt) < 0) {
          this.#entries.forget(tracked);
          continue;
        }
        if (definition === null) {
          // Held locked, or gone since it was listed: asked for by itself.
          if (!tracked.noted) this.#entries.note(tracked);
          void this.fetch(tracked);
          continue;
        }
        const { schema, table, from } = tracked;
        this.#entries.push(tracked.noted ? { kind: 'read', schema, table, readAt: after, definition } : { kind: 'seeded', schema, table, from, readAt: after, definition });
        tracked.noted = true;
        this.#took(tracked, { definition, before, after });
      }
      if (this.#last) this.#passAgain(this.#last);
      this.#options.changed();
    } catch (error) {
      for (const tracked of added) {
        if (!this.#entries.isCurrent(tracked) || tracked.state !== 'reading') continue;
        // As if never tried; what has rows is asked for again.
        if (tracked.noted) this.#unread.add(tracked);
        else this.#entries.forget(tracked);
      }
      throw error;
    }
  }

  async fetch(tracked: Tracked): Promise<void> {
    const { schema, table } = tracked;
    try {
      const reading = await this.#options.read(schema, table);
      // Superseded meanwhile by DDL: the entry is another one, or none, by now.
      if (!this.#entries.isCurrent(tracked)) return;
      this.#took(tracked, reading);
      this.#entries.push({ kind: 'read', schema, table, readAt: reading.after, definition: reading.definition });
      this.#options.changed();
      // The stream may have passed the reading while it was under way; DDL in between would have taken the entry away.
      if (this.#last) this.#passAgain(this.#last);
    } catch (error) {
      if (this.#entries.isCurrent(tracked)) this.#unread.add(tracked);
      this.#retryAt = performance.now() + RETRY_MS;
      this.#options.failed(error);
    }
  }

  #took(tracked: Tracked, reading: DefinitionReading): void {
    tracked.reading = reading;
    tracked.state = 'read';
    take(tracked, reading.definition);
    this.#unproven.add(tracked);
  }

  #readAgain(): void {
    this.#retryAt = performance.now() + RETRY_MS;
    const unread = [...this.#unread];
    this.#unread.clear();
    for (const tracked of unread) void this.fetch(tracked);
  }
}
