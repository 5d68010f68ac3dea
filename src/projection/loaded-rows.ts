import { SqlBuffer } from '../core/sql-buffer.ts';

const BACKSLASH = 0x5c;
const TAB = 0x09;
const LINE_END = 0x0a;
/** What a letter after a backslash stands for; any other byte stands for itself. */
const LETTERS = new Map([[0x30, 0x00], [0x74, TAB], [0x6e, LINE_END]]);

export interface LoadedRow {
  /** The statements of the row; valid until the next one. */
  readonly text: SqlBuffer;
  readonly opid: Buffer;
}

/** The rows of a file that was built for LOAD DATA (`LOAD_ROWS`). */
export function* loadedRows(bytes: Buffer): Generator<LoadedRow> {
  const text = new SqlBuffer();
  let opid: number | null = null;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    // No opid has a byte that is escaped.
    if (byte === TAB) opid = i + 1;
    else if (byte === LINE_END) {
      yield { text, opid: bytes.subarray(opid!, i) };
      text.clear();
      opid = null;
    } else if (opid === null) {
      const escaped = byte === BACKSLASH ? bytes[++i]! : null;
      text.byte(escaped === null ? byte : LETTERS.get(escaped) ?? escaped);
    }
  }
}
