import { SqlBuffer } from '../core/sql-buffer.ts';
import type { RowFormat } from './row-format.ts';

/** A packed row that has grown so large gets no more statements. */
const MAX_ROW_BYTES = 64 * 1024;
const CAPACITY = 16 * 1024;

/** Rows of one backup table, ready for the backup server. */
export interface BuiltRows {
  readonly format: RowFormat;
  readonly bytes: Buffer;
  readonly rows: number;
}

/**
 * Collects the rows of one backup table, bytes throughout. With `pack` above 1 a row holds up to so many consecutive statements of one
 * operation, a line each, as readers join the rows of an operation.
 */
export class RowBuilder {
  readonly #format: RowFormat;
  readonly #pack: number;
  readonly #head: Buffer;
  readonly #out = new SqlBuffer(CAPACITY);
  #rows = 0;
  /** The last row: its operation, where it begins, and its statements. It is closed with the next one. */
  #opid: Buffer | null = null;
  #rowStart = 0;
  #packed = 0;

  /** @param table quoted, with its database. */
  constructor(format: RowFormat, pack: number, table: string) {
    this.#format = format;
    this.#pack = pack;
    this.#head = format.head(table);
  }

  get format(): RowFormat {
    return this.#format;
  }

  get full(): boolean {
    return this.#rows >= this.#format.mostRows || this.#out.length >= this.#format.mostBytes;
  }

  /** @param source bytes `[start, end)` are a statement: UTF-8 without backslashes. */
  add(source: SqlBuffer, start: number, end: number, opid: Buffer): void {
    const out = this.#out;
    const { join, open, separator } = this.#format;
    if (this.#packed > 0 && this.#packed < this.#pack && out.length - this.#rowStart < MAX_ROW_BYTES && this.#opid!.equals(opid)) out.raw(join);
    else {
      this.#close();
      out.raw(this.#rows++ === 0 ? this.#head : separator);
      this.#rowStart = out.length;
      this.#opid = opid;
      out.raw(open);
    }
    this.#packed++;
    this.#format.text(out, source, start, end);
  }

  /** Null when there are none; the builder starts anew, in the buffer that `next` gives. */
  take(next?: () => Buffer | undefined): BuiltRows | null {
    if (this.#rows === 0) return null;
    this.#close();
    const built = { format: this.#format, bytes: this.#out.detach(next?.() ?? Buffer.allocUnsafeSlow(CAPACITY)), rows: this.#rows };
    this.#rows = 0;
    return built;
  }

  #close(): void {
    if (this.#packed === 0) return;
    const { middle, close } = this.#format;
    this.#out.raw(middle);
    this.#out.raw(this.#opid!);
    this.#out.raw(close);
    this.#packed = 0;
  }
}
