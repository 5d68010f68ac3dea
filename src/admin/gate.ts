import { UndoError } from '../core/errors.ts';

/** Lets so many in at a time, and turns the others away at once. */
export class Gate {
  readonly #most: number;
  #inside = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns what lets the next one in, once. @throws UndoError TOO_MANY */
  enter(what: string): () => void {
    if (this.#inside >= this.#most) throw new UndoError('TOO_MANY', `${this.#inside} ${what} are under way, which is as many as are allowed at a time.`);
    this.#inside++;
    let left = false;
    return () => {
      if (!left) this.#inside--;
      left = true;
    };
  }
}
