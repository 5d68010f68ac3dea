/** Little-endian reads as the binlog uses them. Callers check bounds against the event's own length. */
export const u8 = (b: Buffer, p: number): number => b[p]!;
export const u16 = (b: Buffer, p: number): number => b[p]! | (b[p + 1]! << 8);
export const u24 = (b: Buffer, p: number): number => b[p]! | (b[p + 1]! << 8) | (b[p + 2]! << 16);
export const u32 = (b: Buffer, p: number): number => (b[p]! | (b[p + 1]! << 8) | (b[p + 2]! << 16) | (b[p + 3]! << 24)) >>> 0;
export const u48 = (b: Buffer, p: number): number => u32(b, p) + u16(b, p + 4) * 0x1_0000_0000;
/** Exact to 2^53; positions, microseconds and lengths stay below. */
export const u64 = (b: Buffer, p: number): number => u32(b, p) + u32(b, p + 4) * 0x1_0000_0000;
/** As decimal digits, signed or not: nearly all are below 2^53, and a bigint is several times as dear. */
export const i64Text = (b: Buffer, p: number): string => String(b[p + 7] === 0 && b[p + 6]! < 0x20 ? u64(b, p) : b.readBigInt64LE(p));
export const u64Text = (b: Buffer, p: number): string => String(b[p + 7] === 0 && b[p + 6]! < 0x20 ? u64(b, p) : b.readBigUInt64LE(p));
export const big64 = (b: Buffer, p: number): bigint => b.readBigUInt64LE(p);

/** Reads one length-encoded integer (MySQL protocol) and moves on. */
export class ByteCursor {
  readonly buffer: Buffer;
  offset: number;
  readonly end: number;

  constructor(buffer: Buffer, offset: number, end: number) {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
  }

  get left(): number {
    return this.end - this.offset;
  }

  take(count: number): number {
    const at = this.offset;
    if (count < 0 || at + count > this.end) throw new RangeError(`${count} bytes wanted, ${this.end - at} left`);
    this.offset = at + count;
    return at;
  }

  u8(): number {
    return u8(this.buffer, this.take(1));
  }

  u16(): number {
    return u16(this.buffer, this.take(2));
  }

  u32(): number {
    return u32(this.buffer, this.take(4));
  }

  u48(): number {
    return u48(this.buffer, this.take(6));
  }

  u64(): number {
    return u64(this.buffer, this.take(8));
  }

  lenenc(): number {
    const first = this.u8();
    if (first < 0xfb) return first;
    if (first === 0xfc) return this.u16();
    if (first === 0xfd) return u24(this.buffer, this.take(3));
    if (first === 0xfe) return this.u64();
    throw new RangeError(`0x${first.toString(16)} does not start a length-encoded integer`);
  }

  /** A view, not a copy. */
  slice(count: number): Buffer {
    const at = this.take(count);
    return this.buffer.subarray(at, at + count);
  }

  text(count: number): string {
    const at = this.take(count);
    return this.buffer.toString('utf8', at, at + count);
  }
}
