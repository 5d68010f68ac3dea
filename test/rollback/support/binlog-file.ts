import { parseRowsEvent } from '../../../src/binlog/rows-event.ts';
import { parseTableMap } from '../../../src/binlog/table-map.ts';
import type { RowsEvent, TableMap } from '../../../src/binlog/types.ts';

const FORMAT_DESCRIPTION = 15;
const TABLE_MAP = 19;
const HEADER = 19;

export interface LoggedRows {
  readonly map: TableMap;
  readonly rows: RowsEvent;
}

/** The rows events of a whole binlog file (magic and format description included), with their table maps, in order. */
export function readRows(file: Buffer, keep: (map: TableMap) => boolean = () => true): LoggedRows[] {
  const found: LoggedRows[] = [];
  const maps = new Map<number, TableMap>();
  let crc = 0;
  for (let at = 4; at + HEADER <= file.length; ) {
    const type = file[at + 4]!;
    const length = file.readUInt32LE(at + 9);
    if (length < HEADER || at + length > file.length) break;
    if (type === FORMAT_DESCRIPTION) crc = file[at + length - 5] === 1 ? 4 : 0;
    const start = at + HEADER;
    const end = at + length - crc;
    if (type === TABLE_MAP) {
      const map = parseTableMap(file, start, end);
      maps.set(map.tableId, map);
    } else if ((type >= 20 && type <= 25) || (type >= 30 && type <= 32)) {
      const rows = parseRowsEvent(type, file, start, end);
      const map = maps.get(rows.tableId);
      if (map && keep(map)) found.push({ map, rows });
    }
    at += length;
  }
  return found;
}
