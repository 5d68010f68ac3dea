import { Decompress } from 'fzstd';
import { u32 } from '../core/bytes.ts';
import { UndoError, reasonOf } from '../core/errors.ts';
import { nativeZstd } from '../core/native-zstd.ts';
import { formatPosition } from '../core/position.ts';
import { HEADER_LENGTH } from '../binlog/event-type.ts';
import type { PayloadEvent } from '../binlog/events.ts';

/** Compressed bytes given to the decompressor at a time: between two of them back-pressure is heeded. */
const PIECE = 64 * 1024;

async function* inflated(event: PayloadEvent): AsyncGenerator<Buffer> {
  const { payload } = event;
  if (event.compression === 'none') {
    yield payload;
    return;
  }
  // About five times faster than JavaScript.
  const native = nativeZstd?.createZstdDecompress();
  if (native) {
    native.end(payload);
    for await (const chunk of native) yield chunk as Buffer;
    return;
  }
  const ready: Buffer[] = [];
  const decompress = new Decompress((chunk) => ready.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)));
  for (let at = 0; at < payload.length; at += PIECE) {
    decompress.push(payload.subarray(at, at + PIECE), at + PIECE >= payload.length);
    for (let next = ready.shift(); next; next = ready.shift()) yield next;
  }
}

/**
 * The events inside a TRANSACTION_PAYLOAD, one at a time: whole events, `[start, end)` from the common header on, in a
 * buffer that is theirs. Never more in memory than the compressed payload, one chunk and one event.
 * @throws UndoError EVENT_CORRUPT when the payload does not inflate to the announced size or to whole events.
 */
export async function* innerEvents(event: PayloadEvent): AsyncGenerator<Buffer> {
  const corrupt = (what: string, cause?: unknown): UndoError =>
    new UndoError('EVENT_CORRUPT', `TRANSACTION_PAYLOAD at ${formatPosition({ file: event.header.file, offset: event.header.start })}: ${what}.`, { cause });
  // Chunks are joined only once they hold the whole next event: a large one would else be copied with every chunk.
  let chunks: Buffer[] = [];
  let waiting = 0;
  let needed = HEADER_LENGTH;
  let total = 0;
  try {
    for await (const chunk of inflated(event)) {
      total += chunk.length;
      if (total > event.uncompressedBytes) throw corrupt(`it inflates to more than the ${event.uncompressedBytes} bytes announced`);
      chunks.push(chunk);
      waiting += chunk.length;
      if (waiting < needed) continue;
      let bytes = Buffer.concat(chunks);
      for (needed = HEADER_LENGTH; bytes.length >= needed; needed = HEADER_LENGTH) {
        needed = u32(bytes, 9);
        if (needed < HEADER_LENGTH || needed > event.uncompressedBytes) throw corrupt(`an event inside says that it is ${needed} bytes long`);
        if (bytes.length < needed) break;
        yield bytes.subarray(0, needed);
        bytes = bytes.subarray(needed);
      }
      chunks = [bytes];
      waiting = bytes.length;
    }
  } catch (error) {
    throw error instanceof UndoError ? error : corrupt(reasonOf(error), error);
  }
  if (total !== event.uncompressedBytes || waiting > 0) {
    throw corrupt(`it inflates to ${total} bytes instead of ${event.uncompressedBytes}, ${waiting} of them left over`);
  }
}
