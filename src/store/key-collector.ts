import type { RowsEvent } from '../binlog/types.ts';
import { packKeySet, UNKNOWN_KEYS, type KeySetList } from './key-set.ts';

/** Hashes the keys of one table's rows, under one definition. */
export interface RowKeys {
  readonly mark: number;
  readonly lists: readonly KeySetList[];
  /**
   * Calls `each` with the hashes of a row before and after its change; what is negative is none. The arrays are used again.
   * @returns false, perhaps after some rows, when the keys of this event are not known.
   */
  read(rows: RowsEvent, each: (before: Float64Array | null, after: Float64Array | null) => void): boolean;
}

/** @returns null while the table's keys are not known. The same object as long as the answer is the same. */
export type KeysOf = (schema: string, table: string, tableMap: Buffer) => RowKeys | null;

/** The packed set of one table in one block, on its way to the store. */
export interface SealedKeys {
  readonly schema: string;
  readonly table: string;
  readonly data: Buffer;
}

/** Hashes of a block's largest set: a packed set stays well inside the smallest max_allowed_packet that `check` accepts. */
const HASHES_PER_SET = 500_000;

/** Collects the keys of the block that is being built: one growing list of numbers for each table. */
export class KeyCollector {
  readonly #keysOf: KeysOf;
  readonly #tables = new Map<string, TableSet>();

  constructor(keysOf: KeysOf) {
    this.#keysOf = keysOf;
  }

  add(schema: string, table: string, tableMap: Buffer, rows: RowsEvent): void {
    const name = `${schema}\0${table}`;
    let set = this.#tables.get(name);
    if (!set) this.#tables.set(name, (set = new TableSet(schema, table)));
    set.add(this.#keysOf(schema, table, tableMap), rows);
  }

  /** The sets of the block; the collector starts anew. Each table of the block has at least one, so that no set means no row. */
  take(): SealedKeys[] {
    const sealed = [...this.#tables.values()].flatMap((set) => set.seal());
    this.#tables.clear();
    return sealed;
  }
}

class TableSet {
  readonly #schema: string;
  readonly #table: string;
  readonly #sealed: SealedKeys[] = [];
  #keys: RowKeys | null = null;
  #hashes = new Uint32Array(64);
  #count = 0;
  #unknown = false;

  constructor(schema: string, table: string) {
    this.#schema = schema;
    this.#table = table;
  }

  add(keys: RowKeys | null, rows: RowsEvent): void {
    if (keys === null) {
      this.#unknown = true;
      return;
    }
    if (keys !== this.#keys || this.#count >= HASHES_PER_SET) {
      this.#close();
      this.#keys = keys;
    }
    if (!keys.read(rows, this.#row)) this.#unknown = true;
  }

  seal(): SealedKeys[] {
    this.#close();
    return this.#unknown ? [...this.#sealed, { schema: this.#schema, table: this.#table, data: packKeySet(UNKNOWN_KEYS) }] : this.#sealed;
  }

  readonly #row = (before: Float64Array | null, after: Float64Array | null): void => {
    const room = (before?.length ?? 0) + (after?.length ?? 0);
    if (this.#count + room > this.#hashes.length) this.#grow(room);
    if (before !== null) for (const hash of before) if (hash >= 0) this.#hashes[this.#count++] = hash;
    // An update seldom touches a key.
    if (after !== null) for (let i = 0; i < after.length; i++) if (after[i]! >= 0 && after[i] !== before?.[i]) this.#hashes[this.#count++] = after[i]!;
  };

  #close(): void {
    if (this.#keys === null) return;
    const { mark, lists } = this.#keys;
    this.#sealed.push({ schema: this.#schema, table: this.#table, data: packKeySet({ mark, lists, hashes: unique(this.#hashes.subarray(0, this.#count)) }) });
    this.#keys = null;
    this.#count = 0;
  }

  #grow(room: number): void {
    const grown = new Uint32Array(Math.max(this.#count + room, this.#hashes.length * 2));
    grown.set(this.#hashes);
    this.#hashes = grown;
  }
}

/** Sorts in place; the part of it that holds each number once. */
export function unique(hashes: Uint32Array): Uint32Array {
  hashes.sort();
  let kept = 0;
  for (let i = 0; i < hashes.length; i++) if (i === 0 || hashes[i] !== hashes[i - 1]) hashes[kept++] = hashes[i]!;
  return hashes.subarray(0, kept);
}
