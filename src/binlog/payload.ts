import type { ByteCursor } from '../core/bytes.ts';
import { UndoError } from '../core/errors.ts';
import type { EventHeader, PayloadEvent } from './events.ts';

const FIELD = { END: 0, SIZE: 1, COMPRESSION: 2, UNCOMPRESSED_SIZE: 3 } as const;
const COMPRESSION = { ZSTD: 0, NONE: 255 } as const;

/** TRANSACTION_PAYLOAD (codecs/binary.h): fields of length-encoded type, length and value, an end mark, then the payload. */
export function parsePayload(header: EventHeader, body: ByteCursor): PayloadEvent {
  let size = 0;
  let compression: number = COMPRESSION.NONE;
  let uncompressedBytes = 0;
  for (let field = body.lenenc(); field !== FIELD.END; field = body.lenenc()) {
    const length = body.lenenc();
    const next = body.offset + length;
    if (field === FIELD.SIZE) size = body.lenenc();
    else if (field === FIELD.COMPRESSION) compression = body.lenenc();
    else if (field === FIELD.UNCOMPRESSED_SIZE) uncompressedBytes = body.lenenc();
    // Fields of later releases are skipped by their length.
    body.take(next - body.offset);
  }
  if (compression !== COMPRESSION.ZSTD && compression !== COMPRESSION.NONE) {
    throw new UndoError('EVENT_UNSUPPORTED', `TRANSACTION_PAYLOAD at ${header.file}:${header.start} uses compression ${compression}.`);
  }
  return {
    kind: 'payload', header, compression: compression === COMPRESSION.ZSTD ? 'zstd' : 'none',
    uncompressedBytes: compression === COMPRESSION.ZSTD ? uncompressedBytes : size, payload: body.slice(size),
  };
}
