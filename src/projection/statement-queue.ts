/** Bytes of statements that may wait for their turn: enough that the server finds the next one there, whatever the maker of them is at. */
const MOST_BYTES = 4 * 1024 * 1024;

interface Queued {
  readonly bytes: number;
  readonly done: Promise<void>;
}

/** The statements of one connection, one after the other, while their maker goes on. After a failure none runs any more. */
export class StatementQueue {
  #last: Promise<void> = Promise.resolve();
  readonly #queued: Queued[] = [];
  #bytes = 0;

  /**
   * Puts statements behind the others. `work` may send several: none of others gets in between.
   * @returns when little enough waits, not when it has run. @throws what one before has failed with.
   */
  async add(bytes: number, work: () => Promise<unknown>): Promise<void> {
    // What is larger than all that may wait goes alone.
    while (this.#queued.length > 0 && this.#bytes + bytes > MOST_BYTES) await this.#queued[0]!.done;
    const done = this.run(work);
    this.#queued.push({ bytes, done });
    this.#bytes += bytes;
    done.then(() => {
      this.#queued.shift();
      this.#bytes -= bytes;
    }, () => undefined);
  }

  /** Puts them behind the others, however much waits. @returns when they have run. */
  run(work: () => Promise<unknown>): Promise<void> {
    this.#last = this.#last.then(async () => {
      await work();
    });
    // Whoever awaits the queue is told; until then it is nobody's unhandled failure.
    this.#last.catch(() => undefined);
    return this.#last;
  }

  /** @throws what any of the statements so far has failed with. */
  settled(): Promise<void> {
    return this.#last;
  }
}
