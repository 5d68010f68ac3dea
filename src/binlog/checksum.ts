import { crc32 as zlibCrc32 } from 'node:zlib';

/** Up to here a loop is done before zlib has been called: most events of small transactions are shorter. */
const SHORT = 160;

/** The CRC32 of zlib and of the binlog, byte by byte (polynomial 0xEDB88320, reflected). */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  return crc;
});

/** CRC32 of the bytes [start, end), unsigned. */
export function crc32(bytes: Buffer, start: number, end: number): number {
  if (end - start > SHORT) return zlibCrc32(bytes.subarray(start, end));
  let crc = -1;
  for (let i = start; i < end; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}
