import { createHash, type Hash } from 'node:crypto';
import type { RowsKind } from '../../../src/binlog/types.ts';

/** The row changes of one transaction: by table and kind how many, and a digest of all their values in order. */
export interface TransactionChanges {
  readonly gtid: string | null;
  /** `table kind`: `count digest`, by name. */
  readonly changes: Readonly<Record<string, string>>;
}

/** Every row change of a log, whoever read it. */
export interface LogChanges {
  /** Those with row changes, in commit order. */
  readonly transactions: readonly TransactionChanges[];
  /** By `table kind` over all of them. */
  readonly totals: ReadonlyMap<string, KeyTotal>;
}

/** A row's values as text: numbers in decimal, strings in quotes, NULL. The key is the first of them. */
export type RowText = readonly string[];

/** How many rows, and the sum of their keys' digests: equal for the same rows in any order. */
export class KeyTotal {
  count = 0;
  #sum = 0n;

  add(key: string): void {
    this.count++;
    // Keys are whole numbers; the square makes one key too many and another too few show.
    const number = BigInt(key);
    this.#sum += number * number + 7n * number;
  }

  toString(): string {
    return `${this.count} rows, keys ${this.#sum}`;
  }
}

/** Gathers the rows of one transaction. */
export class OpenChanges {
  readonly #byKind = new Map<string, { count: number; hash: Hash; keys: string[] }>();

  get empty(): boolean {
    return this.#byKind.size === 0;
  }

  add(table: string, kind: RowsKind, before: RowText, after: RowText): void {
    const name = `${table} ${kind}`;
    let found = this.#byKind.get(name);
    if (!found) this.#byKind.set(name, (found = { count: 0, hash: createHash('sha1'), keys: [] }));
    found.count++;
    found.hash.update(`${before.join(',')}>${after.join(',')}\n`);
    found.keys.push(kind === 'insert' ? after[0]! : before[0]!);
  }

  close(gtid: string | null, totals: Map<string, KeyTotal>): TransactionChanges {
    const changes: Record<string, string> = {};
    for (const [name, { count, hash, keys }] of [...this.#byKind].sort(([a], [b]) => (a < b ? -1 : 1))) {
      changes[name] = `${count} ${hash.digest('hex')}`;
      let total = totals.get(name);
      if (!total) totals.set(name, (total = new KeyTotal()));
      for (const key of keys) total.add(key);
    }
    return { gtid, changes };
  }
}
