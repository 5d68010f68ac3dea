import type { Projector } from '../../projection/projector.ts';

/** Runs the projection behind capture: woken by each durable batch, never waited for. */
export class ProjectionLoop {
  readonly #projector: Projector;
  readonly #signal: AbortSignal;
  readonly #done: Promise<void>;
  #upTo: number;
  #wake: (() => void) | null = null;
  #fresh = true;
  #over = false;

  /** @param onFailed the session must end: the projection cannot go on. */
  constructor(projector: Projector, upTo: number, signal: AbortSignal, onFailed: (error: unknown) => void) {
    this.#projector = projector;
    this.#signal = signal;
    this.#upTo = upTo;
    this.#done = this.#run().catch(onFailed);
  }

  /** The log is durable before ordinal `upTo`, or the history of definitions has grown. */
  notify(upTo: number): void {
    this.#upTo = upTo;
    this.#fresh = true;
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#over = true;
    this.#wake?.();
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#over && !this.#signal.aborted) {
      if (!this.#fresh) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
        continue;
      }
      this.#fresh = false;
      await this.#projector.catchUp(this.#upTo, this.#signal);
    }
  }
}
