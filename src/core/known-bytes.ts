import { viewOf } from './byte-view.ts';

/** An own copy of bytes that are expected to come again, to recognise them without reading them. */
export class KnownBytes {
  readonly bytes: Buffer;
  readonly #words: DataView;

  constructor(buffer: Buffer, start: number, end: number) {
    this.bytes = Buffer.from(buffer.subarray(start, end));
    this.#words = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /** Are the bytes [start, end) the same? A native comparison takes twice as long for a hundred of them. */
  are(buffer: Buffer, start: number, end: number): boolean {
    const { bytes } = this;
    const { length } = bytes;
    if (length !== end - start || end > buffer.length) return false;
    const known = this.#words;
    const words = viewOf(buffer);
    let i = 0;
    for (; i + 4 <= length; i += 4) if (known.getInt32(i, true) !== words.getInt32(start + i, true)) return false;
    for (; i < length; i++) if (bytes[i] !== buffer[start + i]) return false;
    return true;
  }
}
