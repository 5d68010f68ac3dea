import { Decompress } from 'fzstd';
import { u32 } from '../core/bytes.ts';

/** What decompressors may be asked for as history, beyond the size of the block: as much as a full block needs. */
const WINDOW = 1024 * 1024;
const MAGIC = 0xfd2f_b528;
const DESCRIPTOR = { SINGLE_SEGMENT: 0x20, CHECKSUM: 4, DICTIONARY: 3 } as const;
const RUN = 1;

/**
 * Refuses what is not one whole frame, and one that wants a window larger than a block of `rawBytes` can need: decompressors
 * take that memory before they look at the data. RFC 8878, 3.1.1.
 * @throws Error
 */
export function checkFrame(data: Buffer, rawBytes: number): void {
  if (data.length < 9 || u32(data, 0) !== MAGIC) throw new Error('this is no zstd frame');
  const descriptor = data[4]!;
  const single = (descriptor & DESCRIPTOR.SINGLE_SEGMENT) !== 0;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  if ((descriptor & DESCRIPTOR.DICTIONARY) !== 0) throw new Error('it needs a dictionary');
  let at = single ? 5 : 6;
  if (single && sizeBytes === 8) throw new Error('its size is beyond that of any block');
  const window = single ? data.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0) : (8 + (data[5]! & 7)) * 2 ** (7 + (data[5]! >> 3));
  if (window > Math.max(rawBytes, WINDOW)) throw new Error(`it wants a window of ${window} bytes`);
  at += sizeBytes;
  for (let last = false; !last && at + 3 <= data.length;) {
    const header = data.readUIntLE(at, 3);
    last = (header & 1) !== 0;
    at += 3 + ((header >> 1 & 3) === RUN ? 1 : header >> 3);
  }
  if ((descriptor & DESCRIPTOR.CHECKSUM) !== 0) at += 4;
  if (at !== data.length) throw new Error('it is not one whole frame');
}

/** Unpacks a frame where Node.js cannot: by JavaScript, at a fifth of the speed, in the main thread. @throws Error */
export function inflateFrame(data: Buffer, rawBytes: number): Buffer {
  const raw = Buffer.allocUnsafeSlow(rawBytes);
  let length = 0;
  new Decompress((chunk) => {
    if (length + chunk.length > rawBytes) throw new Error(`it has more than ${rawBytes} bytes`);
    raw.set(chunk, length);
    length += chunk.length;
  }).push(data, true);
  return raw.subarray(0, length);
}
