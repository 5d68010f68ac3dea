import type { SqlBuffer } from '../../core/sql-buffer.ts';

/** Writes the value whose bytes are b[start, end) as SQL. */
export type Emit = (out: SqlBuffer, b: Buffer, start: number, end: number) => void;

const ZERO = 48;

/** Decimal digits of an integer below 2^53, without a string. */
export function writeUnsigned(out: SqlBuffer, value: number): void {
  out.reserve(16);
  const bytes = out.bytes;
  let count = 1;
  for (let limit = 10; value >= limit; limit *= 10) count++;
  let p = out.length + count;
  out.length = p;
  let rest = value;
  while (rest > 0x7fffffff) {
    const quotient = Math.floor(rest / 10);
    bytes[--p] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  let small = rest | 0;
  do {
    const quotient = (small / 10) | 0;
    bytes[--p] = ZERO + (small - quotient * 10);
    small = quotient;
  } while (small > 0);
}

export function writeSigned(out: SqlBuffer, value: number): void {
  if (value < 0) {
    out.byte(45);
    writeUnsigned(out, -value);
  } else {
    writeUnsigned(out, value);
  }
}

/** Exactly `count` digits of a value below 2^31, zero-padded. */
export function writePadded(out: SqlBuffer, value: number, count: number): void {
  out.reserve(count);
  const bytes = out.bytes;
  let p = out.length + count;
  out.length = p;
  let rest = value | 0;
  for (let i = 0; i < count; i++) {
    const quotient = (rest / 10) | 0;
    bytes[--p] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
}

/** 64 bits given as two unsigned halves, written unsigned: base 10^9 division in 16-bit limbs stays exact in doubles. */
export function writeUnsigned64(out: SqlBuffer, high: number, low: number): void {
  if (high < 0x20_0000) {
    writeUnsigned(out, high * 0x1_0000_0000 + low);
    return;
  }
  const limbs = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];
  const last = divideLimbs(limbs);
  const middle = divideLimbs(limbs);
  const first = limbs[2]! * 0x1_0000 + limbs[3]!;
  if (first > 0) {
    writeUnsigned(out, first);
    writePadded(out, middle, 9);
  } else {
    writeUnsigned(out, middle);
  }
  writePadded(out, last, 9);
}

function divideLimbs(limbs: number[]): number {
  let rest = 0;
  for (let i = 0; i < 4; i++) {
    const value = rest * 0x1_0000 + limbs[i]!;
    const quotient = Math.floor(value / 1e9);
    limbs[i] = quotient;
    rest = value - quotient * 1e9;
  }
  return rest;
}

/** The same, as two's complement. */
export function writeSigned64(out: SqlBuffer, high: number, low: number): void {
  if (high < 0x8000_0000) {
    writeUnsigned64(out, high, low);
    return;
  }
  out.byte(45);
  const negatedLow = (~low + 1) >>> 0;
  writeUnsigned64(out, (~high + (negatedLow === 0 ? 1 : 0)) >>> 0, negatedLow);
}

const HEX = Buffer.from('0123456789ABCDEF');

/** `X'..'` */
export function writeHex(out: SqlBuffer, b: Uint8Array, start: number, end: number, padTo = 0): void {
  const count = Math.max(end - start, padTo);
  out.reserve(2 * count + 3);
  const bytes = out.bytes;
  let p = out.length;
  bytes[p++] = 88;
  bytes[p++] = 39;
  for (let i = start; i < end; i++) {
    const value = b[i]!;
    bytes[p++] = HEX[value >> 4]!;
    bytes[p++] = HEX[value & 15]!;
  }
  for (let i = end - start; i < count; i++) {
    bytes[p++] = ZERO;
    bytes[p++] = ZERO;
  }
  bytes[p++] = 39;
  out.length = p;
}
