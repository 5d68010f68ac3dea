/**
 * Gives each transaction its commit time in microseconds. MySQL states it exactly; MariaDB states a second, which
 * `SET timestamp` can set to anything, so it is bounded by the clock at receipt and never runs backwards.
 */
export class CommitClock {
  readonly #nowMicros: () => number;
  #last: number;

  /** @param nowMicros this machine's clock, corrected to the source's. @param last the newest time already in the log. */
  constructor(nowMicros: () => number, last: number) {
    this.#nowMicros = nowMicros;
    this.#last = last;
  }

  commitTime(exactMicros: number | null, statedSeconds: number): number {
    if (exactMicros !== null) return (this.#last = exactMicros);
    const stated = statedSeconds * 1_000_000;
    // Nor does the clock have to be read for each transaction of a second.
    if (stated > this.#last) this.#last = Math.max(this.#last, Math.min(stated, this.#nowMicros()));
    return this.#last;
  }
}
