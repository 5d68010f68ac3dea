/** The end of a capture session: asked for, or forced by the first failure. */
export class SessionEnd {
  /** Resolves at the end of either kind. */
  readonly over: Promise<void>;
  /** Resolves when something has failed. */
  readonly failed: Promise<void>;
  #failure: Error | null = null;
  #resolveOver!: () => void;
  #resolveFailed!: () => void;

  constructor() {
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
    this.failed = new Promise((resolve) => {
      this.#resolveFailed = resolve;
    });
  }

  get failure(): Error | null {
    return this.#failure;
  }

  readonly stop = (): void => this.#resolveOver();

  readonly fail = (error: unknown): void => {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#resolveFailed();
    this.#resolveOver();
  };
}
