import { ColumnType, type RowsEvent } from '../binlog/types.ts';
import { skipValueOptions } from '../binlog/row-walker.ts';
import { columnLength } from './locate.ts';
import type { ColumnShape, TableShape } from './shape.ts';

/** A span's start for a column that the image leaves out, and for one that holds JSON differences instead of a value. */
export const ABSENT = -2;
export const DIFFERENCES = -3;

type Present = (column: number) => boolean;

function presence(rows: RowsEvent, at: number): Present {
  return (column) => (rows.buffer[at + (column >> 3)]! & (1 << (column & 7))) !== 0;
}

/**
 * Why rows whose images lack columns cannot be undone; null when they can: what the undo restores and what it finds the row
 * by is all there. Decided for the event as a whole, since its bitmaps are the same for all of its rows.
 */
export function refusalOf(shape: TableShape, rows: RowsEvent): string | null {
  const before = presence(rows, rows.presentAt);
  const after = presence(rows, rows.presentAfterAt);
  const base = shape.columns.filter((column) => !column.generated);
  const finds = shape.key.kind === 'none' ? base : shape.key.columns.map((index) => shape.columns[index]!);
  const lacking = (columns: readonly ColumnShape[], has: (index: number) => boolean): ColumnShape | undefined =>
    columns.find((column) => !has(column.index));
  const names = (column: ColumnShape, what: string): string => `the binlog does not hold ${what} of column ${column.name}`;
  switch (rows.kind) {
    case 'insert': {
      const column = lacking(finds, before);
      return column ? names(column, 'the value') : null;
    }
    case 'delete': {
      const column = lacking(base, before);
      return column ? names(column, 'the deleted value') : null;
    }
    case 'update': {
      const lost = base.find((column) => after(column.index) && !before(column.index));
      if (lost) return names(lost, 'the old value');
      const column = lacking(finds, (index) => after(index) || before(index));
      if (column) return names(column, 'the value');
      const json = rows.partialJson ? finds.find(({ type }) => type === ColumnType.JSON) : undefined;
      return json ? names(json, 'the new value as a whole') : null;
    }
  }
}

/** Finds the columns of images that need not hold all of them: slower than the compiled `Locate`, and rare. */
export class SparseLocator {
  readonly #columns: readonly ColumnShape[];
  readonly #jsonColumns: number;

  constructor(columns: readonly ColumnShape[]) {
    this.#columns = columns;
    this.#jsonColumns = columns.filter(({ type }) => type === ColumnType.JSON).length;
  }

  /** As `Locate`: fills the spans of one row, of an update both images; an after image takes over what it leaves out. */
  row(rows: RowsEvent, at: number, spans: Int32Array, base: number): number {
    let next = this.#image(rows, at, rows.presentAt, null, spans, base);
    if (rows.kind !== 'update' || next < 0) return next;
    const bits = rows.partialJson ? next + 1 : null;
    if (bits !== null) next = skipValueOptions(rows.buffer, next, this.#jsonColumns);
    const after = base + 2 * this.#columns.length;
    // No bitmap follows when no column holds differences.
    next = this.#image(rows, next, rows.presentAfterAt, bits !== null && next > bits ? bits : null, spans, after);
    for (let i = 0; i < 2 * this.#columns.length; i += 2) {
      if (spans[after + i] !== ABSENT) continue;
      spans[after + i] = spans[base + i]!;
      spans[after + i + 1] = spans[base + i + 1]!;
    }
    return next;
  }

  #image(rows: RowsEvent, at: number, presentAt: number, differences: number | null, spans: Int32Array, base: number): number {
    const { buffer, rowsEnd } = rows;
    const present = presence(rows, presentAt);
    const count = this.#columns.filter(({ index }) => present(index)).length;
    let next = at + ((count + 7) >> 3);
    let bit = 0;
    let json = 0;
    for (const column of this.#columns) {
      const slot = base + 2 * column.index;
      const differs = column.type === ColumnType.JSON && differences !== null && (buffer[differences + (json >> 3)]! & (1 << (json & 7))) !== 0;
      if (column.type === ColumnType.JSON) json++;
      if (!present(column.index)) {
        spans[slot] = ABSENT;
        continue;
      }
      const isNull = (buffer[at + (bit >> 3)]! & (1 << (bit & 7))) !== 0;
      bit++;
      if (isNull) {
        spans[slot] = -1;
        continue;
      }
      const length = columnLength(column);
      if (next + ('prefix' in length ? length.prefix : 0) > rowsEnd) return -1;
      const bytes = 'fixed' in length ? length.fixed : buffer.readUIntLE(next, length.prefix);
      if ('prefix' in length) next += length.prefix;
      spans[slot] = differs ? DIFFERENCES : next;
      next += bytes;
      spans[slot + 1] = next;
      if (next > rowsEnd) return -1;
    }
    return next;
  }
}
