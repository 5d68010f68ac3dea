import { u48 } from '../core/bytes.ts';
import { KnownBytes } from '../core/known-bytes.ts';
import { parseTableMap } from './table-map.ts';
import type { TableMap } from './types.ts';

interface Entry {
  readonly map: TableMap;
  readonly known: KnownBytes;
}

/** Every statement repeats its TABLE_MAP: parse each table id once, as long as its bytes stay the same. */
export class TableMapCache {
  readonly #byId = new Map<number, Entry>();
  /** Most often the next statement is about the same table. */
  #last: Entry | null = null;

  /** @returns the parsed map and an own copy of its body (`known.bytes`), the same objects for the same bytes. */
  read(buffer: Buffer, start: number, end: number): Entry {
    if (this.#last?.known.are(buffer, start, end) === true) return this.#last;
    const id = u48(buffer, start);
    let entry = this.#byId.get(id);
    if (entry?.known.are(buffer, start, end) !== true) {
      entry = { map: parseTableMap(buffer, start, end), known: new KnownBytes(buffer, start, end) };
      // Ids grow with every DDL and reopening; without a bound the map would as well.
      if (this.#byId.size >= 10_000) this.#byId.clear();
      this.#byId.set(id, entry);
    }
    this.#last = entry;
    return entry;
  }

  clear(): void {
    this.#byId.clear();
    this.#last = null;
  }
}
