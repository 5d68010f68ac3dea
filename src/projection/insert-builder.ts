import { quoteTable } from '../core/identifiers.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';

const QUOTE = 0x27;
const COMMA = 0x2c;
const OPEN = 0x28;
const CLOSE = 0x29;
const LINE_END = 0x0a;
/** More rows a statement gain nothing, fewer cost round trips (measured: 500 to 1,000 rows are best). */
const MAX_ROWS = 1000;
const MAX_BYTES = 512 * 1024;
/** A packed row that has grown so large gets no more statements. */
const MAX_ROW_BYTES = 64 * 1024;

/**
 * Collects the rows of one backup table as a multi-row INSERT, bytes throughout. With `pack` above 1 a row holds up to so many consecutive
 * statements of one operation, a line each, as readers join the rows of an operation.
 */
export class InsertBuilder {
  readonly #head: Buffer;
  readonly #pack: number;
  readonly #sql = new SqlBuffer(16 * 1024);
  #rows = 0;
  /** The last row: its operation, where it begins, and its statements. It is closed with the next one. */
  #opid: Buffer | null = null;
  #rowStart = 0;
  #packed = 0;

  constructor(database: string, table: string, pack: number) {
    this.#head = Buffer.from(`INSERT INTO ${quoteTable(database, table)} (rollback_statement, opid_time) VALUES `);
    this.#pack = pack;
  }

  get bytes(): number {
    return this.#sql.length;
  }

  get full(): boolean {
    return this.#rows >= MAX_ROWS || this.#sql.length >= MAX_BYTES;
  }

  /** @param source bytes `[start, end)` are a statement: UTF-8 without backslashes, so that doubling quotes escapes it. */
  add(source: Buffer, start: number, end: number, opid: Buffer): void {
    const sql = this.#sql;
    const joins = this.#packed > 0 && this.#packed < this.#pack && sql.length - this.#rowStart < MAX_ROW_BYTES && this.#opid!.equals(opid);
    if (!joins) this.#close();
    sql.reserve(this.#head.length + (end - start) * 2 + 4);
    if (joins) sql.byte(LINE_END);
    else {
      if (this.#rows++ === 0) sql.raw(this.#head);
      else sql.byte(COMMA);
      this.#rowStart = sql.length;
      this.#opid = opid;
      sql.byte(OPEN);
      sql.byte(QUOTE);
    }
    this.#packed++;
    const out = sql.bytes;
    let at = sql.length;
    for (let i = start; i < end; i++) {
      const byte = source[i]!;
      out[at++] = byte;
      if (byte === QUOTE) out[at++] = QUOTE;
    }
    sql.length = at;
  }

  #close(): void {
    if (this.#packed === 0) return;
    const sql = this.#sql;
    const opid = this.#opid!;
    sql.reserve(opid.length + 5);
    sql.byte(QUOTE);
    sql.byte(COMMA);
    sql.byte(QUOTE);
    sql.raw(opid);
    sql.byte(QUOTE);
    sql.byte(CLOSE);
    this.#packed = 0;
  }

  /** The statement, or null when it is empty; the builder starts anew. */
  take(): string | null {
    if (this.#rows === 0) return null;
    this.#close();
    const text = this.#sql.toString();
    this.#sql.clear();
    this.#rows = 0;
    return text;
  }
}
