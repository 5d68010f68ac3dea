/** Counts of one kind of thing by a bounded label; cheap enough for every event. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** @param known labels that are shown with 0 from the begin. */
  constructor(known: readonly string[] = []) {
    for (const label of known) this.#counts.set(label, 0);
  }

  add(label: string, count = 1): void {
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + count);
  }

  get entries(): readonly (readonly [label: string, count: number])[] {
    return [...this.#counts];
  }
}

/** Adds up the time between switches on and off. */
export class StopWatch {
  readonly #now: () => number;
  #since: number | null = null;
  #total = 0;

  /** @param now milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  set(on: boolean): void {
    if (on) this.#since ??= this.#now();
    else if (this.#since !== null) {
      this.#total += this.#now() - this.#since;
      this.#since = null;
    }
  }

  get seconds(): number {
    return (this.#total + (this.#since === null ? 0 : this.#now() - this.#since)) / 1000;
  }
}
