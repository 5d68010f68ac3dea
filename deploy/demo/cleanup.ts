/** What is to be undone at the end, last thing first, once, whatever fails on the way. */
export class Cleanup {
  readonly #tasks: (() => Promise<void> | void)[] = [];
  #running: Promise<void> | undefined;

  add(task: () => Promise<void> | void): void {
    this.#tasks.push(task);
  }

  run(): Promise<void> {
    this.#running ??= this.#runAll();
    return this.#running;
  }

  /** Nothing is undone: all of it stays on purpose. */
  forget(): void {
    this.#tasks.length = 0;
  }

  async #runAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) {
      try {
        await task();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be cleaned up');
  }
}
