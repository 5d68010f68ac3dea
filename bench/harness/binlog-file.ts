import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { u48 } from '../../src/core/bytes.ts';
import { parseRowsEvent } from '../../src/binlog/rows-event.ts';
import { parseTableMap } from '../../src/binlog/table-map.ts';
import type { RowsEvent, TableMap } from '../../src/binlog/types.ts';
import { EventType, HEADER_LENGTH } from '../../src/binlog/event-type.ts';

const CHUNK = 1 << 20;
/** Enough for the header of an event, and for most TABLE_MAPs as a whole. */
const GLANCE = 512;

/**
 * Reads the rows events of a binlog file newest first, in flat memory: one pass forwards over headers and TABLE_MAPs alone,
 * one backwards over the rows.
 */
export class BinlogFile {
  readonly #file: number;
  readonly #chunks: { readonly at: number; readonly bytes: number }[] = [];
  readonly #maps = new Map<number, TableMap>();
  #buffer = Buffer.alloc(2 * CHUNK);
  #crcBytes = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
    this.#scan(statSync(path).size);
  }

  /** @param onRows valid during the call only. */
  newestFirst(onRows: (map: TableMap, rows: RowsEvent) => void): void {
    for (const { at, bytes } of this.#chunks.toReversed()) {
      this.#read(at, bytes);
      const starts: number[] = [];
      for (let p = 0; p < bytes; p += this.#buffer.readUInt32LE(p + 9)) if (isRows(this.#buffer[p + 4]!)) starts.push(p);
      for (const start of starts.reverse()) {
        const end = start + this.#buffer.readUInt32LE(start + 9) - this.#crcBytes;
        const rows = parseRowsEvent(this.#buffer[start + 4]!, this.#buffer, start + HEADER_LENGTH, end);
        const map = this.#maps.get(rows.tableId);
        if (map) onRows(map, rows);
      }
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Divides the file into stretches of whole events and notes its TABLE_MAPs. */
  #scan(size: number): void {
    let [seen, seenEnd, begin, at] = [0, 0, 4, 4];
    const cut = (): void => {
      if (at > begin) this.#chunks.push({ at: begin, bytes: at - begin });
      begin = at;
    };
    while (at + HEADER_LENGTH <= size) {
      if (at + HEADER_LENGTH > seenEnd) [seen, seenEnd] = [at, at + this.#read(at, GLANCE)];
      const type = this.#buffer[at - seen + 4]!;
      const end = at + this.#buffer.readUInt32LE(at - seen + 9);
      if (end > size) break;
      if (type === EventType.FORMAT_DESCRIPTION || type === EventType.TABLE_MAP) {
        if (end > seenEnd) [seen, seenEnd] = [at, at + this.#read(at, end - at)];
        this.#note(type, at - seen, end - seen);
      }
      if (end - begin > CHUNK) cut();
      at = end;
    }
    cut();
  }

  #note(type: number, start: number, end: number): void {
    if (type === EventType.FORMAT_DESCRIPTION) {
      this.#crcBytes = this.#buffer[end - 5] === 1 ? 4 : 0;
    } else if (!this.#maps.has(u48(this.#buffer, start + HEADER_LENGTH))) {
      const map = parseTableMap(this.#buffer, start + HEADER_LENGTH, end - this.#crcBytes);
      this.#maps.set(map.tableId, map);
    }
  }

  #read(at: number, bytes: number): number {
    if (this.#buffer.length < bytes) this.#buffer = Buffer.alloc(bytes);
    return readSync(this.#file, this.#buffer, 0, bytes, at);
  }
}

function isRows(type: number): boolean {
  return (type >= EventType.WRITE_ROWS_V1 && type <= EventType.DELETE_ROWS_V1) || (type >= EventType.WRITE_ROWS && type <= EventType.DELETE_ROWS);
}
