import type { SqlBuffer } from '../../core/sql-buffer.ts';
import { writeUnsigned, type Emit } from './digits.ts';

/* MariaDB's UUID, INET4 and INET6 arrive as their plain bytes, in the order of their text, without trailing zero bytes. */

const HEX = Buffer.from('0123456789abcdef');

function writeHexByte(out: SqlBuffer, value: number): void {
  out.reserve(2);
  out.bytes[out.length++] = HEX[value >> 4]!;
  out.bytes[out.length++] = HEX[value & 15]!;
}

const QUOTE = 39;
const DASH_AFTER = new Set([3, 5, 7, 9]);

export const emitUuid: Emit = (out, b, s, e) => {
  out.byte(QUOTE);
  for (let i = 0; i < 16; i++) {
    writeHexByte(out, s + i < e ? b[s + i]! : 0);
    if (DASH_AFTER.has(i)) out.byte(45);
  }
  out.byte(QUOTE);
};

export const emitInet4: Emit = (out, b, s, e) => {
  out.byte(QUOTE);
  for (let i = 0; i < 4; i++) {
    if (i > 0) out.byte(46);
    writeUnsigned(out, s + i < e ? b[s + i]! : 0);
  }
  out.byte(QUOTE);
};

/** Eight groups written in full: every INET6 reads back from it as the same sixteen bytes. */
export const emitInet6: Emit = (out, b, s, e) => {
  out.byte(QUOTE);
  for (let i = 0; i < 16; i++) {
    if (i > 0 && (i & 1) === 0) out.byte(58);
    writeHexByte(out, s + i < e ? b[s + i]! : 0);
  }
  out.byte(QUOTE);
};
