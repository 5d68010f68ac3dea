import { u16, u24, u32 } from '../../core/bytes.ts';
import { UndoError } from '../../core/errors.ts';
import type { SqlBuffer } from '../../core/sql-buffer.ts';
import type { ColumnShape } from '../shape.ts';
import { writePadded, writeSigned, writeSigned64, writeUnsigned, writeUnsigned64, type Emit } from './digits.ts';

/** Little-endian integers of 1, 2, 3, 4 or 8 bytes. */
export function intEmitter(bytes: number, unsigned: boolean): Emit {
  switch (bytes) {
    case 1:
      return unsigned ? (out, b, s) => writeUnsigned(out, b[s]!) : (out, b, s) => writeSigned(out, (b[s]! << 24) >> 24);
    case 2:
      return unsigned ? (out, b, s) => writeUnsigned(out, u16(b, s)) : (out, b, s) => writeSigned(out, (u16(b, s) << 16) >> 16);
    case 3:
      return unsigned ? (out, b, s) => writeUnsigned(out, u24(b, s)) : (out, b, s) => writeSigned(out, (u24(b, s) << 8) >> 8);
    case 4:
      return unsigned ? (out, b, s) => writeUnsigned(out, u32(b, s)) : (out, b, s) => writeSigned(out, u32(b, s) | 0);
    default:
      return unsigned ? (out, b, s) => writeUnsigned64(out, u32(b, s + 4), u32(b, s)) : (out, b, s) => writeSigned64(out, u32(b, s + 4), u32(b, s));
  }
}

/** YEAR is one byte after 1900; 0 is the year 0000, which only the number 0 restores. */
export const emitYear: Emit = (out, b, s) => writeUnsigned(out, b[s] === 0 ? 0 : 1900 + b[s]!);

/** ENUM index and SET bitmap, little-endian of 1 to 8 bytes: numbers are right whatever the members are called. */
export const emitIndex: Emit = (out, b, s, e) => {
  let low = 0;
  let high = 0;
  for (let i = Math.min(e - s, 4) - 1; i >= 0; i--) low = low * 256 + b[s + i]!;
  for (let i = e - s - 1; i >= 4; i--) high = high * 256 + b[s + i]!;
  writeUnsigned64(out, high, low);
};

/** `b'..'`: unlike X'..' it also matches in WHERE on MariaDB. Big-endian bytes. */
export function bitEmitter(bits: number): Emit {
  return (out, b, _s, e) => {
    out.reserve(bits + 3);
    const bytes = out.bytes;
    let p = out.length;
    bytes[p++] = 98;
    bytes[p++] = 39;
    for (let bit = bits - 1; bit >= 0; bit--) bytes[p++] = 48 + ((b[e - 1 - (bit >> 3)]! >> (bit & 7)) & 1);
    bytes[p++] = 39;
    out.length = p;
  };
}

/**
 * The shortest text that reads back as the same double, always with an exponent: without one it would be a DECIMAL literal.
 * FLOAT passes its widened value, the only one that compares equal to the column.
 */
export function writeDouble(out: SqlBuffer, value: number): void {
  if (Object.is(value, -0)) {
    out.text('-0e0');
    return;
  }
  const text = String(value);
  out.text(text.includes('e') ? text : `${text}e0`);
}

export const emitFloat: Emit = (out, b, s) => writeDouble(out, b.readFloatLE(s));
export const emitDouble: Emit = (out, b, s) => writeDouble(out, b.readDoubleLE(s));

/**
 * A FLOAT(M,D) or DOUBLE(M,D) rounds what it is given, but not what is copied from another column of the same type: such a
 * column can hold more digits than any literal puts back.
 */
export function refusingLostDigits({ kind, name, fraction }: Pick<ColumnShape, 'kind' | 'name' | 'fraction'>, emit: Emit): Emit {
  if ((kind !== 'float' && kind !== 'double') || fraction < 0) return emit;
  const float = kind === 'float';
  return (out, b, s, e) => {
    const value = float ? b.readFloatLE(s) : b.readDoubleLE(s);
    const stored = rounded(value, fraction);
    if (!Object.is(float ? Math.fround(stored) : stored, value)) {
      throw new UndoError('NOT_UNDOABLE', `Column ${name} holds ${Object.is(value, -0) ? '-0' : value}, which its ${fraction} declared decimals would round.`);
    }
    emit(out, b, s, e);
  };
}

/** As the servers round (Field_real::truncate): the part behind the point alone, halves to the even digit. */
function rounded(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  const whole = Math.floor(value);
  const scaled = (value - whole) * scale;
  const down = Math.floor(scaled);
  const up = scaled - down > 0.5 || (scaled - down === 0.5 && down % 2 !== 0);
  return whole + (up ? down + 1 : down) / scale;
}

const DIGIT_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;

/** Packed DECIMAL (MySQL strings/decimal.c, bin2decimal): big-endian groups of nine digits, sign in the inverted first bit. */
export function decimalEmitter(precision: number, scale: number): Emit {
  const whole = precision - scale;
  const leading = whole % 9;
  const trailing = scale % 9;
  return (out, b, s) => {
    const negative = (b[s]! & 0x80) === 0;
    const flip = negative ? 0xff : 0;
    let p = s;
    const group = (count: number): number => {
      let value = 0;
      // The very first bit is the inverted sign.
      for (let i = 0; i < count; i++, p++) value = value * 256 + (b[p]! ^ flip ^ (p === s ? 0x80 : 0));
      return value;
    };
    if (negative) out.byte(45);
    const start = out.length;
    const wholeGroup = (value: number): void => {
      if (out.length > start) writePadded(out, value, 9);
      else if (value > 0) writeUnsigned(out, value);
    };
    if (leading > 0) wholeGroup(group(DIGIT_BYTES[leading as 0]));
    for (let i = Math.floor(whole / 9); i > 0; i--) wholeGroup(group(4));
    if (out.length === start) out.byte(48);
    if (scale === 0) return;
    out.byte(46);
    for (let i = Math.floor(scale / 9); i > 0; i--) writePadded(out, group(4), 9);
    if (trailing > 0) writePadded(out, group(DIGIT_BYTES[trailing as 0]), trailing);
  };
}

/** Used where the byte-exact comparison needs the sign of a zero. */
export function isZero(b: Buffer, s: number, e: number): boolean {
  for (let i = s; i < e - 1; i++) if (b[i] !== 0) return false;
  return (b[e - 1]! & 0x7f) === 0;
}

export function isNegative(b: Buffer, e: number): boolean {
  return (b[e - 1]! & 0x80) !== 0;
}

