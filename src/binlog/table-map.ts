import { ByteCursor, u16 } from '../core/bytes.ts';
import { UndoError, reasonOf } from '../core/errors.ts';
import { ColumnType, type TableMap, type TableMapColumn } from './types.ts';
import { readOptionalMetadata, type OptionalMetadata } from './table-map-metadata.ts';

interface RawColumn {
  readonly type: number;
  readonly meta: number;
}

/**
 * Parses the body of a TABLE_MAP event: [start, end) without the common header and without the CRC.
 * Source: MySQL libbinlogevents rows_event.h (Table_map_event). Copies what it keeps.
 * @throws UndoError EVENT_CORRUPT when the bytes do not parse.
 */
export function parseTableMap(buffer: Buffer, start: number, end: number): TableMap {
  try {
    return readTableMap(new ByteCursor(buffer, start, end));
  } catch (error) {
    if (error instanceof UndoError) throw error;
    throw new UndoError('EVENT_CORRUPT', `A TABLE_MAP event does not parse: ${reasonOf(error)}.`, { cause: error });
  }
}

function readTableMap(cursor: ByteCursor): TableMap {
  const tableId = cursor.u48();
  cursor.u16();
  const schema = readName(cursor);
  const table = readName(cursor);
  const count = cursor.lenenc();
  const types = cursor.slice(count);
  const metaEnd = cursor.lenenc() + cursor.offset;
  const raw: RawColumn[] = [];
  for (const type of types) raw.push(readColumnType(type, cursor));
  if (cursor.offset !== metaEnd) throw new RangeError('the type metadata has another length than its columns need');
  const nullBits = cursor.slice((count + 7) >> 3);
  const optional = readOptionalMetadata(cursor, raw.map((column) => column.type));
  const columns = raw.map((column, index): TableMapColumn => ({
    ...column,
    nullable: (nullBits[index >> 3]! & (1 << (index & 7))) !== 0,
    unsigned: optional.unsigned?.[index] ?? null,
    collation: optional.collations?.[index] ?? null,
    name: optional.names?.[index] ?? null,
    members: optional.members[index] ?? null,
    visible: optional.visible?.[index] ?? null,
  }));
  return { tableId, schema, table, columns, primaryKey: optional.primaryKey, metadata: metadataLevel(optional) };
}

function metadataLevel(optional: OptionalMetadata): TableMap['metadata'] {
  if (optional.names) return 'full';
  return optional.present ? 'minimal' : 'none';
}

function readName(cursor: ByteCursor): string {
  const name = cursor.text(cursor.lenenc());
  if (cursor.u8() !== 0) throw new RangeError('a name is not followed by a zero byte');
  return name;
}

/** The metadata bytes of one column, by type; STRING hides ENUM and SET and the upper length bits in its first byte. */
function readColumnType(type: number, cursor: ByteCursor): RawColumn {
  switch (type) {
    case ColumnType.STRING:
    case ColumnType.ENUM:
    case ColumnType.SET: {
      const first = cursor.u8();
      const second = cursor.u8();
      if ((first & 0x30) !== 0x30) {
        return { type: first | 0x30, meta: second | (((first & 0x30) ^ 0x30) << 4) };
      }
      return { type: first === 0 ? type : first, meta: second };
    }
    case ColumnType.NEWDECIMAL: {
      const at = cursor.take(2);
      return { type, meta: (cursor.buffer[at]! << 8) | cursor.buffer[at + 1]! };
    }
    case ColumnType.VARCHAR:
    case ColumnType.VAR_STRING:
    case ColumnType.VARCHAR_COMPRESSED:
    case ColumnType.BIT:
      return { type, meta: u16(cursor.buffer, cursor.take(2)) };
    case ColumnType.FLOAT:
    case ColumnType.DOUBLE:
    case ColumnType.TINY_BLOB:
    case ColumnType.BLOB:
    case ColumnType.MEDIUM_BLOB:
    case ColumnType.LONG_BLOB:
    case ColumnType.BLOB_COMPRESSED:
    case ColumnType.GEOMETRY:
    case ColumnType.JSON:
    case ColumnType.VECTOR:
    case ColumnType.TIME2:
    case ColumnType.DATETIME2:
    case ColumnType.TIMESTAMP2:
      return { type, meta: cursor.u8() };
    default:
      return { type, meta: 0 };
  }
}
