/** What the undo of newer changes has put right already, of rows and of values of unique keys. Some 50 bytes for each. */
export class SeenRows {
  /** Every column is known. */
  readonly all = new Uint8Array(0);
  readonly #none = new Map<number, Uint8Array>();
  readonly #rows = new Map<number, Uint8Array>();
  readonly #values = new Set<number>();
  /** Equal masks are one object. */
  readonly #masks = new Map<string, Uint8Array>();
  /** Of rows without a key, which are told by all that they hold: how many the undo takes beyond those that it makes, and the most that was asked for. */
  readonly #equal = new Map<number, { taken: number; asked: number }>();

  /** A number for a row or value: 53 bits, so that two of millions are hardly ever taken for one another. */
  identity(name: string): number {
    let [a, b] = [0x811c9dc5, 0x2545f491];
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x85ebca6b);
      b ^= b >>> 13;
    }
    return (a >>> 0) * 0x20_0000 + (b >>> 11);
  }

  /** Nothing is known of so many columns. */
  none(columns: number): Uint8Array {
    const found = this.#none.get(columns);
    if (found) return found;
    const made = new Uint8Array(columns);
    this.#none.set(columns, made);
    return made;
  }

  /** Columns of a row whose present content need not be looked at, as ones. */
  known(row: number, columns: number): Uint8Array {
    const found = this.#rows.get(row);
    // The table was altered in between, so that places tell nothing: rather one look too few than one at another column.
    return found === undefined ? this.none(columns) : found.length === columns ? found : this.all;
  }

  /** @param changed columns that a newer undo restores; null: all of the row. */
  learn(row: number, changed: readonly number[] | null, columns: number): void {
    const before = this.known(row, columns);
    if (before === this.all) return;
    if (changed === null) {
      this.#rows.set(row, this.all);
      return;
    }
    const mask = Uint8Array.from(before);
    for (const column of changed) mask[column] = 1;
    const id = mask.join('');
    const same = this.#masks.get(id);
    if (!same) this.#masks.set(id, mask);
    this.#rows.set(row, same ?? mask);
  }

  /**
   * One more of rows that are equal in every byte is needed.
   * @returns how many of them have to be there now; 0: so many were asked for already, or newer undos make them.
   */
  need(row: number): number {
    const count = this.#count(row);
    count.taken++;
    if (count.taken <= count.asked) return 0;
    count.asked = count.taken;
    return count.taken;
  }

  /** The undo of a change makes one more of rows that are equal in every byte. */
  made(row: number): void {
    this.#count(row).taken--;
  }

  #count(row: number): { taken: number; asked: number } {
    const found = this.#equal.get(row);
    if (found) return found;
    const begun = { taken: 0, asked: 0 };
    this.#equal.set(row, begun);
    return begun;
  }

  clear(): void {
    this.#rows.clear();
    this.#values.clear();
    this.#equal.clear();
  }

  has(value: number): boolean {
    return this.#values.has(value);
  }

  add(value: number): void {
    this.#values.add(value);
  }
}
