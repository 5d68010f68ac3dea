import type { RowsEvent } from '../../binlog/types.ts';
import { isFullImage } from '../../binlog/rows-event.ts';
import { compileLocate, type Locate } from '../locate.ts';
import type { TableShape } from '../shape.ts';
import { compileHashKeys, type HashedList, type HashKeys } from './key-hash.ts';

/** Hashes of one row change: `before` and `after` of an update, one of them otherwise. The arrays are used again for the next row. */
export type OnKeys = (row: number, before: Float64Array | null, after: Float64Array | null, spans: Int32Array) => void;

/** Reads the keys of rows events of one shape. */
export class KeyReader {
  readonly shape: TableShape;
  readonly lists: readonly HashedList[];
  readonly #locate: Locate;
  readonly #hash: HashKeys;
  readonly #spans: Int32Array;
  readonly #first: Float64Array;
  readonly #second: Float64Array;

  constructor(shape: TableShape, lists: readonly HashedList[]) {
    this.shape = shape;
    this.lists = lists;
    this.#locate = compileLocate(shape.columns);
    this.#hash = compileHashKeys(shape, lists);
    this.#spans = new Int32Array(4 * shape.columns.length);
    this.#first = new Float64Array(lists.length);
    this.#second = new Float64Array(lists.length);
  }

  /** Where the after image's spans begin in those that `OnKeys` gets; the before image's, and that of a lone image, begin at 0. */
  get afterSpans(): number {
    return 2 * this.shape.columns.length;
  }

  /** @returns false, perhaps after some rows, when the images lack columns or do not parse: then the keys of this event are not known. */
  read(rows: RowsEvent, each: OnKeys): boolean {
    if (!isFullImage(rows) || rows.columnCount !== this.shape.columns.length) return false;
    const { buffer, rowsEnd, kind } = rows;
    const spans = this.#spans;
    for (let at = rows.rowsStart, row = 0; at < rowsEnd; row++) {
      const from = at;
      at = this.#locate(buffer, at, rowsEnd, spans, 0);
      if (at <= from) return false;
      if (kind === 'update') {
        at = this.#locate(buffer, at, rowsEnd, spans, this.afterSpans);
        if (at <= from) return false;
        this.#hash(buffer, spans, 0, this.#first);
        this.#hash(buffer, spans, this.afterSpans, this.#second);
        each(row, this.#first, this.#second, spans);
      } else {
        this.#hash(buffer, spans, 0, this.#first);
        each(row, kind === 'delete' ? this.#first : null, kind === 'delete' ? null : this.#first, spans);
      }
    }
    return true;
  }
}
