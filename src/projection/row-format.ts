import type { SqlBuffer } from '../core/sql-buffer.ts';

const QUOTE = 0x27;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const NOTHING = Buffer.alloc(0);

/** How rows of a backup table, a rollback statement and an opid each, are written down for the backup server. */
export interface RowFormat {
  /** Before the first row. @param table quoted, with its database. */
  readonly head: (table: string) => Buffer;
  readonly open: Buffer;
  /** Between two statements in one row. */
  readonly join: Buffer;
  /** Between the statements and the opid. */
  readonly middle: Buffer;
  readonly close: Buffer;
  readonly separator: Buffer;
  /** More rows at a time gain nothing, fewer cost round trips. */
  readonly mostRows: number;
  readonly mostBytes: number;
  /** Appends bytes `[start, end)` of `source`, a statement in UTF-8 without backslashes. */
  text(out: SqlBuffer, source: SqlBuffer, start: number, end: number): void;
}

/** The rows of a multi-row INSERT (measured: 500 to 1,000 rows are best). */
export const INSERT_ROWS: RowFormat = {
  head: (table) => Buffer.from(`INSERT INTO ${table} (rollback_statement, opid_time) VALUES `),
  open: Buffer.from("('"), join: Buffer.from('\n'), middle: Buffer.from("','"), close: Buffer.from("')"), separator: Buffer.from(','),
  mostRows: 1000, mostBytes: 512 * 1024,
  text(out, source, start, end) {
    out.reserve((end - start) * 2);
    const { bytes } = out;
    const from = source.bytes;
    let at = out.length;
    for (let i = start; i < end; i++) {
      const byte = from[i]!;
      bytes[at++] = byte;
      if (byte === QUOTE) bytes[at++] = QUOTE;
    }
    out.length = at;
  },
};

/** In every byte of a word: what shows in its highest bit that the byte is none to be escaped. */
const HIGHEST = 0x8080_8080 | 0;
const LOW_BITS = 0x7f7f_7f7f;
const REACHES_0X20 = 0x6060_6060;
const BACKSLASHES = 0x5c5c_5c5c;

/** True when none of the four bytes is a control byte or a backslash. No sum runs over into the next byte: it is of seven bits each. */
function needsNoEscape(word: number): boolean {
  return ((((word & LOW_BITS) + REACHES_0X20) & (((word ^ BACKSLASHES) & LOW_BITS) + LOW_BITS) | word) & HIGHEST) === HIGHEST;
}

/** What LOAD DATA reads for a byte after a backslash; any other stands for itself. */
const ESCAPES = new Map([[0x00, 0x30], [0x09, 0x74], [0x0a, 0x6e]]);

/** The lines of a file for LOAD DATA, with the escapes of its default form. */
export const LOAD_ROWS: RowFormat = {
  head: () => NOTHING,
  open: NOTHING, join: Buffer.from('\\n'), middle: Buffer.from('\t'), close: Buffer.from('\n'), separator: NOTHING,
  mostRows: Infinity, mostBytes: 1024 * 1024,
  text(out, source, start, end) {
    out.reserve((end - start) * 2);
    const { bytes, words } = out;
    const from = source.bytes;
    let at = out.length;
    for (let i = start; i < end;) {
      for (const last = end - 4; i <= last; i += 4, at += 4) {
        const word = source.words.getInt32(i, true);
        if (!needsNoEscape(word)) break;
        words.setInt32(at, word, true);
      }
      for (const stop = Math.min(i + 4, end); i < stop; i++) {
        const byte = from[i]!;
        const escaped = byte < FIRST_PRINTABLE ? ESCAPES.get(byte) : byte === BACKSLASH ? BACKSLASH : undefined;
        if (escaped !== undefined) bytes[at++] = BACKSLASH;
        bytes[at++] = escaped ?? byte;
      }
    }
    out.length = at;
  },
};
