import { inflateRawSync, inflateSync } from 'node:zlib';
import { UndoError, reasonOf } from '../../core/errors.ts';
import { bigEndian } from './temporal.ts';
import type { Emit } from './digits.ts';

const METHOD_ZLIB = 0x80;
const RAW_DEFLATE = 0x08;
const LENGTH_BYTES = 0x07;

/**
 * The value of a MariaDB COMPRESSED column (sql/field.cc): a header byte, 0 for "as it is"; else the method, whether the
 * zlib wrapper is left out, and how many big-endian bytes of original length follow.
 * @throws UndoError EVENT_CORRUPT when it does not inflate to the length it states.
 */
export function decompressColumn(b: Buffer, start: number, end: number): Buffer {
  if (start === end) return b.subarray(start, end);
  const header = b[start]!;
  if (header === 0) return b.subarray(start + 1, end);
  const lengthBytes = header & LENGTH_BYTES;
  if ((header & 0xf0) !== METHOD_ZLIB || lengthBytes < 1 || lengthBytes > 4) {
    throw new UndoError('EVENT_UNSUPPORTED', `A compressed column value starts with 0x${header.toString(16)}, which this release cannot read.`);
  }
  const length = bigEndian(b, start + 1, lengthBytes);
  const data = b.subarray(start + 1 + lengthBytes, end);
  try {
    // Deflate makes at most 1032 bytes of one: a broken value cannot ask for more memory than that.
    if (length > (data.length + 1) * 1032) throw new RangeError(`${length} bytes stated`);
    const options = { maxOutputLength: Math.max(length, 1) };
    const plain = (header & RAW_DEFLATE) !== 0 ? inflateRawSync(data, options) : inflateSync(data, options);
    if (plain.length !== length) throw new RangeError(`${plain.length} bytes instead of ${length}`);
    return plain;
  } catch (error) {
    throw new UndoError('EVENT_CORRUPT', `A compressed column value does not inflate: ${reasonOf(error)}.`, { cause: error });
  }
}

export function decompressing(emit: Emit): Emit {
  return (out, b, s, e) => {
    const plain = decompressColumn(b, s, e);
    emit(out, plain, 0, plain.length);
  };
}
