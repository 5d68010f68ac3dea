import { u32, u48 } from '../core/bytes.ts';
import { UndoError } from '../core/errors.ts';
import { grouped } from '../core/grouped.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';

/*
 * A block is a run of records, as they were captured:
 *   TABLE_MAP  1 | length u32 | event body                    numbered from 0 in the order of appearance
 *   ROWS       2 | length u32 | tag u32 | operation u32 | table map u32 | event type u8 | event offset u48 | event body
 *   STATEMENT  3 | length u32 | tag u32 | operation u32 | statement text, whole
 * `length` counts what follows it. `tag` tells the transactions of one block apart; a transaction may span blocks.
 */
const TABLE_MAP = 1;
const ROWS = 2;
const STATEMENT = 3;
const ROWS_HEADER = 4 + 4 + 4 + 1 + 6;
const STATEMENT_HEADER = 4 + 4;

/** Blocks are cut at 1 MiB; one rows event more fits in as a rule, and the text of a statement of many rows. */
const CAPACITY = 1024 * 1024 + 512 * 1024;
/** Buffers kept for the blocks to come: fresh ones would have to be mapped, zeroed and collected again. */
const SPARES = 4;

export class BlockBuilder {
  readonly #buffer = new SqlBuffer(256 * 1024);
  readonly #spares: Buffer[] = [];
  readonly #maps = new Map<Buffer, number>();

  get bytes(): number {
    return this.#buffer.length;
  }

  /** @param tableMap the same object for the same bytes; @param body the rows event's body, `[start, end)` of `source`. */
  rows(tag: number, operation: number, tableMap: Buffer, type: number, offset: number, source: Buffer, start: number, end: number): void {
    const map = this.#mapNumber(tableMap);
    const out = this.#open(ROWS, ROWS_HEADER + end - start);
    let at = out.bytes.writeUInt32LE(tag, out.length);
    at = out.bytes.writeUInt32LE(operation, at);
    at = out.bytes.writeUInt32LE(map, at);
    at = out.bytes.writeUInt8(type, at);
    out.length = out.bytes.writeUIntLE(offset, at, 6);
    out.raw(source, start, end);
  }

  statement(tag: number, operation: number, text: Buffer): void {
    const out = this.#open(STATEMENT, STATEMENT_HEADER + text.length);
    const at = out.bytes.writeUInt32LE(tag, out.length);
    out.length = out.bytes.writeUInt32LE(operation, at);
    out.raw(text);
  }

  /** The block's bytes; the builder starts anew. Give them back once nothing reads them any more. */
  take(): Buffer {
    this.#maps.clear();
    if (this.#buffer.length < CAPACITY / 4) {
      const bytes = this.#buffer.take();
      this.#buffer.clear();
      return bytes;
    }
    return this.#buffer.detach(this.#spares.pop() ?? Buffer.allocUnsafeSlow(CAPACITY));
  }

  giveBack(block: Buffer): void {
    const whole = Buffer.from(block.buffer);
    if (whole.length === CAPACITY && this.#spares.length < SPARES) this.#spares.push(whole);
  }

  #mapNumber(tableMap: Buffer): number {
    let number = this.#maps.get(tableMap);
    if (number === undefined) {
      number = this.#maps.size;
      this.#maps.set(tableMap, number);
      this.#open(TABLE_MAP, tableMap.length).raw(tableMap);
    }
    return number;
  }

  #open(kind: number, length: number): SqlBuffer {
    const out = this.#buffer;
    out.reserve(5 + length);
    out.bytes[out.length] = kind;
    out.length = out.bytes.writeUInt32LE(length, out.length + 1);
    return out;
  }
}

/** One rows event inside a block; `start` and `end` bound its body. */
export interface RowsRecord {
  readonly tag: number;
  readonly operation: number;
  readonly tableMap: Buffer;
  readonly type: number;
  readonly offset: number;
  readonly start: number;
  readonly end: number;
}

export interface StatementRecord {
  readonly tag: number;
  readonly operation: number;
  readonly text: Buffer;
}

export class BlockContents {
  readonly bytes: Buffer;
  /** In the order of capture. */
  readonly rows: readonly RowsRecord[];
  readonly statements: readonly StatementRecord[];
  #byTag: ReadonlyMap<number, readonly RowsRecord[]> | null = null;

  constructor(bytes: Buffer, rows: readonly RowsRecord[], statements: readonly StatementRecord[]) {
    this.bytes = bytes;
    this.rows = rows;
    this.statements = statements;
  }

  /** Those of one transaction, in their order. Thousands of small ones share a block: it is not gone through for each. */
  rowsOf(tag: number): readonly RowsRecord[] {
    this.#byTag ??= grouped(this.rows, (record) => record.tag);
    return this.#byTag.get(tag) ?? [];
  }
}

/** @throws UndoError INTERNAL when the bytes are not a block. */
export function readBlock(bytes: Buffer): BlockContents {
  const rows: RowsRecord[] = [];
  const statements: StatementRecord[] = [];
  const maps: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes[at]!;
    const start = at + 5;
    const end = start + u32(bytes, at + 1);
    if (end > bytes.length) throw new UndoError('INTERNAL', 'A block of the log is cut short.');
    if (kind === TABLE_MAP) maps.push(bytes.subarray(start, end));
    else if (kind === ROWS) {
      const tableMap = maps[u32(bytes, start + 8)];
      if (!tableMap) throw new UndoError('INTERNAL', 'A block of the log names a TABLE_MAP that it does not hold.');
      rows.push({
        tag: u32(bytes, start), operation: u32(bytes, start + 4), tableMap, type: bytes[start + 12]!,
        offset: u48(bytes, start + 13), start: start + ROWS_HEADER, end,
      });
    } else if (kind === STATEMENT) {
      statements.push({ tag: u32(bytes, start), operation: u32(bytes, start + 4), text: bytes.subarray(start + STATEMENT_HEADER, end) });
    } else throw new UndoError('INTERNAL', `A block of the log holds a record of kind ${kind}, which this release does not know.`);
    at = end;
  }
  return new BlockContents(bytes, rows, statements);
}
