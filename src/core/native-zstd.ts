import * as zlib from 'node:zlib';

interface Bounds {
  readonly chunkSize: number;
  readonly maxOutputLength?: number;
  readonly params?: Readonly<Record<number, number>>;
}

type OneShot = (data: Buffer, bounds: Bounds, done: (error: Error | null, result: Buffer) => void) => void;

interface NativeZstd {
  readonly zstdCompress: OneShot;
  readonly zstdDecompress: OneShot;
  readonly createZstdDecompress: () => NodeJS.ReadWriteStream;
}

/** Node.js >= 22.15 has zstd in its zlib module, which the types of the oldest supported one do not know. Null: it is not there. */
export const nativeZstd: NativeZstd | null = 'zstdCompress' in zlib ? zlib as object as NativeZstd : null;
