import { u16, u24, u32 } from '../core/bytes.ts';
import { ClassicWidths, isClassic } from './classic-widths.ts';
import { ColumnType, type RowsEvent, type TableMap, type TableMapColumn } from './types.ts';
import { valueLength } from './value-length.ts';

/** As `valueLength`, in one number: fixed lengths as they are, the width of a length prefix negated. */
function lengthRule({ type, meta }: TableMapColumn): number {
  const length = valueLength(type, meta, 0);
  if (length === null) throw new RangeError(`column type ${type} is not known`);
  return 'fixed' in length ? length.fixed : -length.prefix;
}

/** Steps over the row images of one table without reading values: counts rows and proves that they end where the event ends. */
export class RowWalker {
  readonly #rules: Int32Array;
  readonly #jsonColumns: number;
  /** Of tables with columns whose width TABLE_MAP does not tell. */
  readonly #classic: ClassicWidths | null;

  constructor(map: TableMap) {
    this.#rules = Int32Array.from(map.columns, lengthRule);
    this.#classic = map.columns.some(({ type }) => isClassic(type)) ? new ClassicWidths(map.columns, this.#rules) : null;
    this.#jsonColumns = map.columns.filter(({ type }) => type === ColumnType.JSON).length;
  }

  /**
   * @returns the number of changed rows.
   * @throws RangeError when the rows do not fit the TABLE_MAP.
   */
  count(rows: RowsEvent): number {
    if (rows.columnCount !== this.#rules.length) throw new RangeError(`${rows.columnCount} columns in the rows, ${this.#rules.length} in TABLE_MAP`);
    const images = rows.kind === 'update' ? 2 : 1;
    // Such rows take no bytes: nobody could tell how many there are.
    if (!this.#holdsColumns(rows)) throw new RangeError('the row images hold no column at all');
    if (this.#classic) return this.#classic.count(rows);
    let at = rows.rowsStart;
    let count = 0;
    while (at < rows.rowsEnd) {
      at = this.#skip(rows.buffer, at, rows.presentAt);
      if (rows.partialJson) at = skipValueOptions(rows.buffer, at, this.#jsonColumns);
      if (images === 2) at = this.#skip(rows.buffer, at, rows.presentAfterAt);
      if (at > rows.rowsEnd) break;
      count++;
    }
    if (at !== rows.rowsEnd) throw new RangeError(`row ${count + 1} ends ${at - rows.rowsEnd} bytes beyond the event`);
    return count;
  }

  #holdsColumns({ buffer, presentAt, presentAfterAt }: RowsEvent): boolean {
    for (let i = 0; i < this.#rules.length; i++) {
      if (((buffer[presentAt + (i >> 3)]! | buffer[presentAfterAt + (i >> 3)]!) & (1 << (i & 7))) !== 0) return true;
    }
    return false;
  }

  #skip(buffer: Buffer, start: number, presentAt: number): number {
    const rules = this.#rules;
    let present = 0;
    for (let i = 0; i < rules.length; i++) if (buffer[presentAt + (i >> 3)]! & (1 << (i & 7))) present++;
    let at = start + ((present + 7) >> 3);
    for (let i = 0, bit = 0; i < rules.length; i++) {
      if ((buffer[presentAt + (i >> 3)]! & (1 << (i & 7))) === 0) continue;
      const isNull = buffer[start + (bit >> 3)]! & (1 << (bit & 7));
      bit++;
      if (isNull) continue;
      const rule = rules[i]!;
      if (rule >= 0) at += rule;
      else if (rule === -1) at += 1 + buffer[at]!;
      else if (rule === -2) at += 2 + u16(buffer, at);
      else if (rule === -3) at += 3 + u24(buffer, at);
      else at += 4 + u32(buffer, at);
      if (at > buffer.length) throw new RangeError('a value runs beyond the event');
    }
    return at;
  }
}

const PARTIAL_JSON_UPDATES = 1;

/** Where the after image itself begins behind its value options (see `RowsEvent.partialJson`). */
export function skipValueOptions(buffer: Buffer, at: number, jsonColumns: number): number {
  const options = buffer[at]!;
  // More options than fit into one byte do not exist; a longer number would mean others than this one.
  if (options > PARTIAL_JSON_UPDATES) throw new RangeError(`value options ${options} are not known`);
  return at + 1 + (options === PARTIAL_JSON_UPDATES ? (jsonColumns + 7) >> 3 : 0);
}
