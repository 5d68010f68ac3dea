import { promisify } from 'node:util';
import { constants, deflate, inflate } from 'node:zlib';
import { UndoError } from '../core/errors.ts';

const deflateAsync = promisify(deflate);
const inflateAsync = promisify(inflate);

const CODEC = { NONE: 0, ZLIB: 1 } as const;
/** Below this, compression saves less than a row's overhead. */
const SMALL = 200;
/** Repetitions have to save at least a tenth beyond the coding. */
const WORTH = 0.9;
/** What is tried out of a large block. */
const SAMPLE = 32 * 1024;
/** How often one is; those between are taken to be like it. */
const SAMPLED_EVERY = 8;
const MOST_CHUNK = 2 * 1024 * 1024;

export interface PackedBlock {
  readonly codec: number;
  readonly rawBytes: number;
  readonly data: Buffer;
}

/**
 * Packs a block in zlib's thread pool, at level 1. Where looking for repetitions saves next to nothing, as in random digits,
 * only the coding of the bytes is left, which is twice as fast; every inflater reads both.
 */
export async function packBlock(raw: Buffer): Promise<PackedBlock> {
  if (raw.length < SMALL) return { codec: CODEC.NONE, rawBytes: raw.length, data: raw };
  const strategy = await repeats(raw) ? constants.Z_DEFAULT_STRATEGY : constants.Z_HUFFMAN_ONLY;
  // One chunk for all of the output: each further one is a turn of the event loop and a copy.
  const data = await deflateAsync(raw, { level: constants.Z_BEST_SPEED, strategy, chunkSize: chunkFor((raw.length * 5) >> 3) });
  return { codec: CODEC.ZLIB, rawBytes: raw.length, data };
}

let sampled = { repeats: true, left: 0 };

/** True when repetitions are worth their price, judged by a sample from the middle. */
async function repeats(raw: Buffer): Promise<boolean> {
  if (raw.length < 8 * SAMPLE) return true;
  if (sampled.left-- > 0) return sampled.repeats;
  sampled = { ...sampled, left: SAMPLED_EVERY - 1 };
  const middle = raw.subarray(raw.length >> 1, (raw.length >> 1) + SAMPLE);
  const size = async (strategy: number): Promise<number> => (await deflateAsync(middle, { level: constants.Z_BEST_SPEED, strategy, chunkSize: SAMPLE })).length;
  const [found, coded] = await Promise.all([size(constants.Z_DEFAULT_STRATEGY), size(constants.Z_HUFFMAN_ONLY)]);
  sampled.repeats = found < coded * WORTH;
  return sampled.repeats;
}

function chunkFor(bytes: number): number {
  return Math.min(Math.max(bytes, 1024), MOST_CHUNK);
}

export async function unpackBlock(block: PackedBlock): Promise<Buffer> {
  const raw = block.codec === CODEC.NONE ? block.data
    : block.codec === CODEC.ZLIB ? await inflateAsync(block.data, { maxOutputLength: block.rawBytes + 1, chunkSize: chunkFor(block.rawBytes + 1) }) : null;
  if (!raw) throw new UndoError('INTERNAL', `A block of the log has codec ${block.codec}, which this release does not know.`);
  if (raw.length !== block.rawBytes) throw new UndoError('INTERNAL', `A block of the log has ${raw.length} bytes instead of ${block.rawBytes}.`);
  return raw;
}
