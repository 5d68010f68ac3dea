import { ByteCursor } from '../core/bytes.ts';
import { UndoError, reasonOf } from '../core/errors.ts';
import type { RowsEvent, RowsKind } from './types.ts';

const KINDS: Readonly<Record<number, RowsKind>> = {
  20: 'insert', 21: 'update', 22: 'delete', 23: 'insert', 24: 'update', 25: 'delete', 30: 'insert', 31: 'update', 32: 'delete', 39: 'update',
};
const FIRST_V2_TYPE = 30;
const PARTIAL_UPDATE_ROWS = 39;

/**
 * Parses a rows event's header. [start, end) is the body without the common header and the CRC; the result views into `buffer`.
 * Source: MySQL rows_event.h (Rows_event). Types 20..22 are v0, 23..25 v1, 30..32 v2 (with extra data),
 * 39 PARTIAL_UPDATE_ROWS: an UPDATE_ROWS v2 whose after images may hold JSON differences.
 * @throws UndoError EVENT_CORRUPT when the header does not parse, EVENT_UNSUPPORTED for another type.
 */
export function parseRowsEvent(type: number, buffer: Buffer, start: number, end: number): RowsEvent {
  const kind = KINDS[type];
  if (kind === undefined) throw new UndoError('EVENT_UNSUPPORTED', `Event type ${type} is not a rows event that this release reads.`);
  try {
    const cursor = new ByteCursor(buffer, start, end);
    const tableId = cursor.u48();
    const flags = cursor.u16();
    // The length of the extra data counts its own two bytes.
    if (type >= FIRST_V2_TYPE) cursor.take(cursor.u16() - 2);
    const columnCount = cursor.lenenc();
    const bitmapBytes = (columnCount + 7) >> 3;
    const presentAt = cursor.take(bitmapBytes);
    const presentAfterAt = kind === 'update' ? cursor.take(bitmapBytes) : presentAt;
    return {
      kind, tableId, flags, columnCount, buffer, presentAt, presentAfterAt, rowsStart: cursor.offset, rowsEnd: end,
      partialJson: type === PARTIAL_UPDATE_ROWS,
    };
  } catch (error) {
    throw new UndoError('EVENT_CORRUPT', `A rows event does not parse: ${reasonOf(error)}.`, { cause: error });
  }
}

/** True when every column is present in the image (of an update: in both) with its whole value, so that each row can be undone. */
export function isFullImage(rows: RowsEvent): boolean {
  return !rows.partialJson && allSet(rows, rows.presentAt) && (rows.presentAfterAt === rows.presentAt || allSet(rows, rows.presentAfterAt));
}

function allSet(rows: RowsEvent, at: number): boolean {
  const whole = rows.columnCount >> 3;
  for (let i = 0; i < whole; i++) if (rows.buffer[at + i] !== 0xff) return false;
  const rest = (1 << (rows.columnCount & 7)) - 1;
  return rest === 0 || (rows.buffer[at + whole]! & rest) === rest;
}
