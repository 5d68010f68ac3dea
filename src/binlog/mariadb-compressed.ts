import { inflateSync } from 'node:zlib';
import { UndoError } from '../core/errors.ts';
import { EventType } from './event-type.ts';
import { parseRowsEvent } from './rows-event.ts';

/** Plain types behind log_bin_compress=ON's own (MariaDB log_event.h). */
const PLAIN: ReadonlyMap<number, number> = new Map([
  [EventType.QUERY_COMPRESSED, EventType.QUERY],
  [EventType.WRITE_ROWS_COMPRESSED_V1, EventType.WRITE_ROWS_V1],
  [EventType.UPDATE_ROWS_COMPRESSED_V1, EventType.UPDATE_ROWS_V1],
  [EventType.DELETE_ROWS_COMPRESSED_V1, EventType.DELETE_ROWS_V1],
  [EventType.WRITE_ROWS_COMPRESSED, EventType.WRITE_ROWS],
  [EventType.UPDATE_ROWS_COMPRESSED, EventType.UPDATE_ROWS],
  [EventType.DELETE_ROWS_COMPRESSED, EventType.DELETE_ROWS],
]);

/** The type that a compressed event stands for; null when it is not compressed. */
export function plainType(type: number): number | null {
  return PLAIN.get(type) ?? null;
}

/**
 * What binlog_buf_compress writes (MariaDB log_event.cc): a byte with the top bit set, the algorithm (0: zlib) in bits 4 to 6
 * and the width of the length in bits 0 to 2; the length of the original, big-endian; the zlib stream.
 */
export function inflateBuffer(buffer: Buffer, start: number, end: number): Buffer {
  const head = buffer[start] ?? 0;
  const width = head & 0x07;
  if ((head & 0xf0) !== 0x80 || width < 1 || width > 4 || start + 1 + width > end) {
    throw new UndoError('EVENT_CORRUPT', 'A compressed event does not begin as MariaDB writes it.');
  }
  const length = buffer.readUIntBE(start + 1, width);
  const plain = inflateSync(buffer.subarray(start + 1 + width, end), { maxOutputLength: Math.max(1, length) });
  if (plain.length !== length) throw new UndoError('EVENT_CORRUPT', `A compressed event inflates to ${plain.length} bytes instead of ${length}.`);
  return plain;
}

/** The body of a rows event as it would be without compression: header and bitmaps stay, the rows behind them are inflated. */
export function inflateRows(plain: number, buffer: Buffer, start: number, end: number): Buffer {
  const { rowsStart } = parseRowsEvent(plain, buffer, start, end);
  return Buffer.concat([buffer.subarray(start, rowsStart), inflateBuffer(buffer, rowsStart, end)]);
}
