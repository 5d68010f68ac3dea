import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import { brotliDecompress, constants, createBrotliCompress, inflate } from 'node:zlib';
import { UndoError, reasonOf } from '../core/errors.ts';
import { nativeZstd } from '../core/native-zstd.ts';
import { checkFrame, inflateFrame } from './zstd-frame.ts';

const unbrotliAsync = promisify(brotliDecompress);
const inflateAsync = promisify(inflate);
const unzstdAsync = nativeZstd && promisify(nativeZstd.zstdDecompress);

/** ZLIB is no longer written; BROTLI is where Node.js has no zstd. */
const CODEC = { NONE: 0, ZLIB: 1, BROTLI: 2, ZSTD: 3 } as const;
/** Below this, compression saves less than a row's overhead. */
const SMALL = 200;
/**
 * The second quickest of Brotli's settings: twice as fast as zlib's quickest and a quarter smaller (docs/benchmarks.md). The window is
 * as wide as rows lie behind the SQL text that they repeat, and narrow enough for the processor's caches.
 */
const BROTLI_SETTINGS = { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 19 };
/** The numbers here are those of zstd.h. Level 1, but for twice the table of hashes: an eighth smaller at the same speed (docs/benchmarks.md). */
const ZSTD_PARAM = { LEVEL: 100, WINDOW_LOG: 101, HASH_LOG: 102, MIN_MATCH: 105 } as const;
const ZSTD_SETTINGS = { [ZSTD_PARAM.LEVEL]: 1, [ZSTD_PARAM.WINDOW_LOG]: 19, [ZSTD_PARAM.HASH_LOG]: 15, [ZSTD_PARAM.MIN_MATCH]: 7 };
const ZSTD_END = 2;
const MOST_CHUNK = 2 * 1024 * 1024;

export interface PackedBlock {
  readonly codec: number;
  readonly rawBytes: number;
  readonly data: Buffer;
}

/** A way to pack: a stream whose first write is its last. */
interface Packing {
  readonly codec: number;
  readonly open: (chunkSize: number) => Transform;
}

const brotli: Packing = {
  codec: CODEC.BROTLI, open: (chunkSize) => createBrotliCompress({ params: BROTLI_SETTINGS, flush: constants.BROTLI_OPERATION_FINISH, chunkSize }),
};
const zstd: Packing | null = nativeZstd && {
  codec: CODEC.ZSTD, open: (chunkSize) => nativeZstd!.createZstdCompress({ params: ZSTD_SETTINGS, flush: ZSTD_END, chunkSize }),
};

/** What this Node.js can pack with, the best first. Every supported one reads all of it. */
export const PACKINGS: readonly [Packing, ...Packing[]] = zstd ? [zstd, brotli] : [brotli];

/** Packs a block in the thread pool that zlib works in; what does not shrink stays as it is. */
export async function packBlock(raw: Buffer, { codec, open } = PACKINGS[0]): Promise<PackedBlock> {
  const plain = { codec: CODEC.NONE, rawBytes: raw.length, data: raw };
  if (raw.length < SMALL) return plain;
  // One chunk for all of the output: each further one is a turn of the event loop and a copy.
  const data = await allAtOnce(open(chunkFor((raw.length * 7) >> 4)), raw);
  return data.length < raw.length ? { codec, rawBytes: raw.length, data } : plain;
}

/**
 * What zlib's own functions for a whole buffer do, but in one step: they end with a second one, whose few bytes cost a copy of all, and
 * until which zstd does not know how little it has to prepare for. Of a block of 4 KiB that was nearly half of the cost.
 */
async function allAtOnce(stream: Transform, raw: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.write(raw, (error) => error ? reject(error) : resolve());
  });
  stream.destroy();
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function chunkFor(bytes: number): number {
  return Math.min(Math.max(bytes, 1024), MOST_CHUNK);
}

/** @throws UndoError INTERNAL when the data is damaged, or no block of `rawBytes`; it never takes much more memory than those. */
export async function unpackBlock({ codec, rawBytes, data }: PackedBlock): Promise<Buffer> {
  const raw = await unpack(codec, data, rawBytes).catch((error: unknown) => {
    throw error instanceof UndoError ? error : new UndoError('INTERNAL', `A block of the log cannot be unpacked (codec ${codec}): ${reasonOf(error)}`, { cause: error });
  });
  if (raw.length !== rawBytes) throw new UndoError('INTERNAL', `A block of the log has ${raw.length} bytes instead of ${rawBytes}.`);
  return raw;
}

async function unpack(codec: number, data: Buffer, rawBytes: number): Promise<Buffer> {
  const bounds = { maxOutputLength: rawBytes + 1, chunkSize: chunkFor(rawBytes + 1) };
  switch (codec) {
    case CODEC.NONE: return data;
    case CODEC.ZLIB: return inflateAsync(data, bounds);
    case CODEC.BROTLI: return unbrotliAsync(data, bounds);
    case CODEC.ZSTD:
      checkFrame(data, rawBytes);
      return unzstdAsync ? unzstdAsync(data, bounds) : inflateFrame(data, rawBytes);
    default: throw new UndoError('INTERNAL', `A block of the log has codec ${codec}, which this release does not know.`);
  }
}
