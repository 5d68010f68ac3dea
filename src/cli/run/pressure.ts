/** Joins several queues' words: the stream rests while any of them is full. */
export class Pressure {
  readonly #full = new Set<string>();
  readonly #changed: (high: boolean) => void;

  constructor(changed: (high: boolean) => void) {
    this.#changed = changed;
  }

  get high(): boolean {
    return this.#full.size > 0;
  }

  set(queue: string, high: boolean): void {
    const before = this.high;
    if (high) this.#full.add(queue);
    else this.#full.delete(queue);
    if (this.high !== before) this.#changed(this.high);
  }
}
