import { isUtf8 } from 'node:buffer';
import { viewOf } from '../../core/byte-view.ts';
import type { SqlBuffer } from '../../core/sql-buffer.ts';
import type { Charset } from '../charsets.ts';
import { writeHex, type Emit } from './digits.ts';

const QUOTE = 39;
const PLAIN = 0;
const DOUBLED = 1;
const OUTSIDE_ASCII = 2;
const FORBIDDEN = 3;

/** What a byte does between quotes: control bytes and the backslash never stand there. */
const CLASS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === QUOTE) return DOUBLED;
  if (byte < 0x20 || byte === 0x7f || byte === 0x5c) return FORBIDDEN;
  return byte < 0x80 ? PLAIN : OUTSIDE_ASCII;
});

/** In every byte of a word: what is added, or compared with, to see in its highest bit whether the byte is plain. */
const HIGHEST = 0x8080_8080 | 0;
const REACHES_0X20 = 0x6060_6060;
const QUOTES = 0x2727_2727;
const BACKSLASHES = 0x5c5c_5c5c;
const NOT_ZERO = 0x7f7f_7f7f;
const IS_0X7F = 0x0101_0101;

/**
 * True when all four bytes may stand between quotes as they are. Each term is right for bytes below 0x80, and the last one
 * (`| word`) refuses the others: no sum runs over into the next byte unseen.
 */
function allPlain(word: number): boolean {
  return ((word + REACHES_0X20) & ((word ^ QUOTES) + NOT_ZERO) & ((word ^ BACKSLASHES) + NOT_ZERO) & ~((word + IS_0X7F) | word) & HIGHEST) === HIGHEST;
}

/** Tries `'..'`; leaves `out` as it was and returns false when a byte does not allow it. */
function writeQuoted(out: SqlBuffer, b: Buffer, start: number, end: number, utf8: boolean): boolean {
  out.reserve(2 * (end - start) + 2);
  const { bytes, words } = out;
  const source = viewOf(b);
  let p = out.length;
  let outside = false;
  bytes[p++] = QUOTE;
  for (let i = start; i < end;) {
    // Plain text goes four bytes at a time; a word with something else in it, and the end, byte by byte.
    for (const last = end - 4; i <= last; i += 4, p += 4) {
      const word = source.getInt32(i, true);
      if (!allPlain(word)) break;
      words.setInt32(p, word, true);
    }
    for (const stop = Math.min(i + 4, end); i < stop; i++) {
      const byte = b[i]!;
      const kind = CLASS[byte]!;
      if (kind !== PLAIN) {
        if (kind === FORBIDDEN) return false;
        if (kind === DOUBLED) bytes[p++] = QUOTE;
        else if (utf8) outside = true;
        else return false;
      }
      bytes[p++] = byte;
    }
  }
  if (outside && !isUtf8(b.subarray(start, end))) return false;
  bytes[p++] = QUOTE;
  out.length = p;
  return true;
}

/** Text between quotes where that is loss-free under every connection, else `_charset X'..'`: the column's own bytes. */
export function textEmitter(charset: Charset): Emit {
  const introducer = Buffer.from(`_${charset.name} `);
  return (out, b, s, e) => {
    if (charset.ascii && writeQuoted(out, b, s, e, charset.utf8)) return;
    if (e === s) {
      out.text("''");
      return;
    }
    out.raw(introducer);
    writeHex(out, b, s, e);
  };
}

/** The same bytes as a binary string, for byte-exact comparison: ASCII stays readable. */
export const emitTextBytes: Emit = (out, b, s, e) => {
  if (!writeQuoted(out, b, s, e, false)) writeHex(out, b, s, e);
};

/** `X'..'`, and `''` for the empty value. */
export const emitBinary: Emit = (out, b, s, e) => {
  if (s === e) out.text("''");
  else writeHex(out, b, s, e);
};

/** BINARY(n): the binlog drops trailing zero bytes, the column holds them. */
export function fixedBinaryEmitter(length: number): Emit {
  return (out, b, s, e) => writeHex(out, b, s, e, length);
}
