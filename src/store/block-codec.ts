import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, inflate } from 'node:zlib';
import { UndoError } from '../core/errors.ts';

const brotliAsync = promisify(brotliCompress);
const unbrotliAsync = promisify(brotliDecompress);
const inflateAsync = promisify(inflate);

/** ZLIB is no longer written. */
const CODEC = { NONE: 0, ZLIB: 1, BROTLI: 2 } as const;
/** Below this, compression saves less than a row's overhead. */
const SMALL = 200;
/**
 * The second quickest of Brotli's settings: twice as fast as zlib's quickest and a quarter smaller (docs/benchmarks.md). The window is
 * as wide as rows lie behind the SQL text that they repeat, and narrow enough for the processor's caches.
 */
const SETTINGS = { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 19 } as const;
const MOST_CHUNK = 2 * 1024 * 1024;

export interface PackedBlock {
  readonly codec: number;
  readonly rawBytes: number;
  readonly data: Buffer;
}

/** Packs a block in the thread pool that zlib works in; what does not shrink stays as it is. */
export async function packBlock(raw: Buffer): Promise<PackedBlock> {
  const plain = { codec: CODEC.NONE, rawBytes: raw.length, data: raw };
  if (raw.length < SMALL) return plain;
  // One chunk for all of the output: each further one is a turn of the event loop and a copy.
  const data = await brotliAsync(raw, { params: SETTINGS, chunkSize: chunkFor((raw.length * 7) >> 4) });
  return data.length < raw.length ? { codec: CODEC.BROTLI, rawBytes: raw.length, data } : plain;
}

function chunkFor(bytes: number): number {
  return Math.min(Math.max(bytes, 1024), MOST_CHUNK);
}

export async function unpackBlock({ codec, rawBytes, data }: PackedBlock): Promise<Buffer> {
  const raw = await unpack(codec, data, { maxOutputLength: rawBytes + 1, chunkSize: chunkFor(rawBytes + 1) });
  if (!raw) throw new UndoError('INTERNAL', `A block of the log has codec ${codec}, which this release does not know.`);
  if (raw.length !== rawBytes) throw new UndoError('INTERNAL', `A block of the log has ${raw.length} bytes instead of ${rawBytes}.`);
  return raw;
}

function unpack(codec: number, data: Buffer, bounds: { readonly maxOutputLength: number; readonly chunkSize: number }): Buffer | Promise<Buffer> | null {
  switch (codec) {
    case CODEC.NONE: return data;
    case CODEC.ZLIB: return inflateAsync(data, bounds);
    case CODEC.BROTLI: return unbrotliAsync(data, bounds);
    default: return null;
  }
}
