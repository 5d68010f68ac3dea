import { quoteTable } from '../core/identifiers.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';

const QUOTE = 0x27;
const COMMA = 0x2c;
/** More rows a statement gain nothing, fewer cost round trips (measured: 500 to 1,000 rows are best). */
const MAX_ROWS = 1000;
const MAX_BYTES = 512 * 1024;

/** Collects the rows of one backup table as a multi-row INSERT, bytes throughout. */
export class InsertBuilder {
  readonly #head: Buffer;
  readonly #sql = new SqlBuffer(16 * 1024);
  #rows = 0;

  constructor(database: string, table: string) {
    this.#head = Buffer.from(`INSERT INTO ${quoteTable(database, table)} (rollback_statement, opid_time) VALUES `);
  }

  get bytes(): number {
    return this.#sql.length;
  }

  get full(): boolean {
    return this.#rows >= MAX_ROWS || this.#sql.length >= MAX_BYTES;
  }

  /** @param statement bytes `[start, end)` of `source`: UTF-8 without backslashes, so that doubling quotes escapes it. */
  add(source: Buffer, start: number, end: number, opid: Buffer): void {
    const sql = this.#sql;
    if (this.#rows++ === 0) sql.raw(this.#head);
    else sql.byte(COMMA);
    sql.reserve((end - start) * 2 + opid.length + 8);
    const out = sql.bytes;
    let at = sql.length;
    out[at++] = 0x28;
    out[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const byte = source[i]!;
      out[at++] = byte;
      if (byte === QUOTE) out[at++] = QUOTE;
    }
    out[at++] = QUOTE;
    out[at++] = COMMA;
    out[at++] = QUOTE;
    at += opid.copy(out, at);
    out[at++] = QUOTE;
    out[at++] = 0x29;
    sql.length = at;
  }

  /** The statement, or null when it is empty; the builder starts anew. */
  take(): string | null {
    if (this.#rows === 0) return null;
    const text = this.#sql.toString();
    this.#sql.clear();
    this.#rows = 0;
    return text;
  }
}
