import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

interface Settings {
  readonly chunkSize?: number;
  readonly maxOutputLength?: number;
  readonly flush?: number;
  readonly params?: Readonly<Record<number, number>>;
}

interface NativeZstd {
  readonly createZstdCompress: (settings: Settings) => Transform;
  readonly createZstdDecompress: () => Transform;
  readonly zstdDecompress: (data: Buffer, settings: Settings, done: (error: Error | null, result: Buffer) => void) => void;
}

/** Node.js >= 22.15 has zstd in its zlib module, which the types of the oldest supported one do not know. Null: it is not there. */
export const nativeZstd: NativeZstd | null = 'createZstdCompress' in zlib ? zlib as object as NativeZstd : null;
