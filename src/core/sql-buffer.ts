/** A growing byte buffer that rollback SQL is written into: no string is made on the way from row image to output. */
export class SqlBuffer {
  bytes: Buffer;
  /** Of `bytes`, to write four of them at once. */
  words: DataView;
  /** Bytes written so far; writers may advance it after `reserve`. */
  length = 0;

  constructor(capacity = 64 * 1024) {
    this.bytes = Buffer.allocUnsafe(capacity);
    this.words = viewAll(this.bytes);
  }

  /** Makes room for `count` more bytes; must be called before writing into `bytes` directly. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.words = viewAll(grown);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Appends prepared bytes. */
  raw(source: Uint8Array, start = 0, end = source.length): void {
    const count = end - start;
    this.reserve(count);
    const { bytes } = this;
    let p = this.length;
    this.length = p + count;
    // A loop beats set() below about 16 bytes, and a view of a part with it below about 48.
    if (count < 16 || (count < 48 && count < source.length)) for (let i = start; i < end; i++) bytes[p++] = source[i]!;
    else bytes.set(count === source.length ? source : source.subarray(start, end), p);
  }

  text(value: string): void {
    this.reserve(value.length * 3);
    this.length += this.bytes.write(value, this.length, 'utf8');
  }

  /** A copy of what was written; the buffer itself stays usable. */
  take(start = 0, end = this.length): Buffer {
    return Buffer.from(this.bytes.subarray(start, end));
  }

  toString(): string {
    return this.bytes.toString('utf8', 0, this.length);
  }

  /** Gives the written bytes away without a copy and goes on in another buffer. */
  detach(next: Buffer): Buffer {
    const written = this.bytes.subarray(0, this.length);
    this.bytes = next;
    this.words = viewAll(next);
    this.length = 0;
    return written;
  }

  clear(): void {
    this.length = 0;
  }
}

function viewAll(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
