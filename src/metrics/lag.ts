/** What is known of the source's clock and retention. */
export interface SourceClock {
  /** This machine's clock plus this is the source's, in milliseconds. */
  readonly clockOffset: number;
  /** Seconds until a binlog file may be purged by age; null: never. */
  readonly expirySeconds: number | null;
}

/**
 * How far the log is behind the source. A commit's own delay counts until the next one, be it excluded; a heartbeat, which the
 * source sends when it has nothing else, says that there is nothing to be behind of. All times in milliseconds.
 */
export class Lag {
  readonly #now: () => number;
  #source: SourceClock | null = null;
  #open = false;
  #held: number | null = null;
  #captured = 0;
  #durable = 0;
  /** By our clock: everything committed on the source before this is in the log. */
  #completeTo: number | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  knowSource(source: SourceClock): void {
    this.#source = source;
  }

  /** The stream was opened, or is over. */
  set open(open: boolean) {
    this.#open = open;
    this.#held = null;
  }

  /** A transaction of this commit time (microseconds, the source's clock) was read. */
  captured(commitMicros: number): void {
    this.#captured = commitMicros;
  }

  /** The log is durable up to a transaction of this commit time. */
  durable(commitMicros: number): void {
    if (this.#source === null || commitMicros === 0 || commitMicros === this.#durable) return;
    this.#durable = commitMicros;
    this.#complete(this.#source, commitMicros);
  }

  /**
   * A transaction of this commit time was read that leaves nothing to keep: an excluded one, perhaps one of many without end,
   * between which the source never is idle enough for a heartbeat.
   */
  passed(commitMicros: number): void {
    if (this.#source !== null && !this.#pending) this.#complete(this.#source, commitMicros);
  }

  /** The source has nothing more. */
  heartbeat(): void {
    if (this.#pending) return;
    this.#held = 0;
    this.#completeTo = this.#now();
  }

  get seconds(): number | null {
    if (!this.#open || this.#source === null) return null;
    // What waits was committed after that: nothing is understated, and an idle time before it does not count.
    const waiting = this.#pending && this.#completeTo !== null ? this.#now() - this.#completeTo : 0;
    return this.#held === null ? null : Math.max(this.#held, waiting) / 1000;
  }

  get headroomSeconds(): number | null {
    const kept = this.#source?.expirySeconds ?? null;
    if (kept === null || this.#completeTo === null) return null;
    return kept - (this.#now() - this.#completeTo) / 1000;
  }

  #complete({ clockOffset }: SourceClock, commitMicros: number): void {
    const committed = commitMicros / 1000 - clockOffset;
    // Whole seconds (MariaDB) and the uncertainty of the offset may make it seem to come from the future.
    this.#held = Math.max(0, this.#now() - committed);
    this.#completeTo = Math.min(committed, this.#now());
  }

  get #pending(): boolean {
    return this.#captured > this.#durable;
  }
}
