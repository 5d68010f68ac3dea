import { u48 } from '../core/bytes.ts';
import { parseTableMap } from './table-map.ts';
import type { TableMap } from './types.ts';

interface Entry {
  readonly map: TableMap;
  readonly body: Buffer;
}

/** Every statement repeats its TABLE_MAP: parse each table id once, as long as its bytes stay the same. */
export class TableMapCache {
  readonly #byId = new Map<number, Entry>();

  /** @returns the parsed map and an own copy of its body, the same objects for the same bytes. */
  read(buffer: Buffer, start: number, end: number): Entry {
    const id = u48(buffer, start);
    const known = this.#byId.get(id);
    if (known && known.body.length === end - start && known.body.compare(buffer, start, end) === 0) return known;
    const entry = { map: parseTableMap(buffer, start, end), body: Buffer.from(buffer.subarray(start, end)) };
    // Ids grow with every DDL and reopening; without a bound the map would as well.
    if (this.#byId.size >= 10_000) this.#byId.clear();
    this.#byId.set(id, entry);
    return entry;
  }

  clear(): void {
    this.#byId.clear();
  }
}
