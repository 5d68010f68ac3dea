import { UndoError } from '../core/errors.ts';
import { isFullImage } from '../binlog/rows-event.ts';
import type { RowsEvent } from '../binlog/types.ts';
import { compileLocate, type Locate, type TableShape } from '../rollback/index.ts';
import { ABSENT, DIFFERENCES, SparseLocator } from '../rollback/sparse-images.ts';
import { columnMasks, type MaskSettings, type MaskedText } from './masks.ts';
import { UndoTexts } from './undo-texts.ts';
import { valueTexts, type ValueText } from './values.ts';

/** Debezium's word for a value that the binlog does not hold. */
const UNAVAILABLE = '"__debezium_unavailable_value"';

export interface RowImage {
  /** JSON text of the key's columns, or of the whole row of a table without one. */
  readonly key: Buffer;
  /** JSON text. */
  readonly row: string;
}

/** Turns the rows of one table's events into JSON text, straight from their bytes. */
export class RowTexts {
  readonly #shape: TableShape;
  readonly #names: readonly string[];
  readonly #values: readonly ValueText[];
  readonly #masks: readonly (MaskedText | null)[];
  readonly #keyColumns: readonly number[];
  readonly #locate: Locate;
  readonly #spans: Int32Array;
  /** Null: its text would hold what is masked. */
  readonly #undo: UndoTexts | null;
  #sparse: SparseLocator | null = null;

  constructor(shape: TableShape, masks: MaskSettings, flavour: 'mysql' | 'mariadb') {
    this.#shape = shape;
    this.#names = shape.columns.map(({ name }) => `${JSON.stringify(name)}:`);
    this.#values = valueTexts(shape);
    this.#masks = columnMasks(masks, shape.schema, shape.table, shape.columns.map(({ name }) => name), this.#values);
    this.#undo = masks.rules.length > 0 ? null : new UndoTexts(shape, flavour);
    this.#keyColumns = shape.key.columns;
    this.#locate = compileLocate(shape.columns);
    this.#spans = new Int32Array(4 * shape.columns.length);
  }

  /**
   * Calls `each` for every row, in the order of the event, with what undoes it; null: not told.
   * @throws UndoError EVENT_CORRUPT when they do not parse.
   */
  forEach(rows: RowsEvent, each: (before: RowImage | null, after: RowImage | null, undo: string | null) => void): void {
    const { kind, buffer } = rows;
    const width = 2 * this.#shape.columns.length;
    const undo = this.#undo?.of(rows, this.#silent(rows, width)) ?? null;
    for (let at = rows.rowsStart, row = 0; at < rows.rowsEnd; row++) {
      at = this.#next(rows, at, width);
      const sql = undo?.[row] ?? null;
      if (kind === 'insert') each(null, this.#image(buffer, 0), sql);
      else if (kind === 'delete') each(this.#image(buffer, 0), null, sql);
      else each(this.#image(buffer, 0), this.#image(buffer, width), sql);
    }
  }

  /** For each row, whether its images are the same: it has no rollback statement. */
  #silent(rows: RowsEvent, width: number): boolean[] {
    const silent: boolean[] = [];
    for (let at = rows.rowsStart; at < rows.rowsEnd;) {
      at = this.#next(rows, at, width);
      silent.push(rows.kind === 'update' && this.#shape.columns.every((_, column) => this.#same(rows.buffer, 2 * column, width + 2 * column)));
    }
    return silent;
  }

  #same(buffer: Buffer, before: number, after: number): boolean {
    const [s, e] = [this.#spans[before]!, this.#spans[before + 1]!];
    const [t, f] = [this.#spans[after]!, this.#spans[after + 1]!];
    return s < 0 || t < 0 ? s === t : buffer.compare(buffer, t, f, s, e) === 0;
  }

  #next(rows: RowsEvent, at: number, width: number): number {
    const next = this.#located(rows, at, width);
    if (next < 0) throw new UndoError('EVENT_CORRUPT', `A rows event of ${this.#shape.schema}.${this.#shape.table} does not parse.`);
    return next;
  }

  #located(rows: RowsEvent, at: number, width: number): number {
    if (!isFullImage(rows)) return (this.#sparse ??= new SparseLocator(this.#shape.columns)).row(rows, at, this.#spans, 0);
    const next = this.#locate(rows.buffer, at, rows.rowsEnd, this.#spans, 0);
    return rows.kind === 'update' && next >= 0 ? this.#locate(rows.buffer, next, rows.rowsEnd, this.#spans, width) : next;
  }

  #image(buffer: Buffer, base: number): RowImage {
    const all = this.#names.map((_, index) => index);
    const row = this.#object(buffer, base, all, 'row');
    const key = this.#keyColumns.length > 0 ? this.#keyColumns : all;
    return { row, key: Buffer.from(this.#object(buffer, base, key, 'key')) };
  }

  #object(buffer: Buffer, base: number, columns: readonly number[], place: keyof MaskedText): string {
    return `{${columns.map((index) => this.#names[index]! + this.#text(buffer, base, index, place)).join(',')}}`;
  }

  #text(buffer: Buffer, base: number, index: number, place: keyof MaskedText): string {
    const start = this.#spans[base + 2 * index]!;
    if (start === -1) return 'null';
    if (start === ABSENT || start === DIFFERENCES) return UNAVAILABLE;
    return (this.#masks[index]?.[place] ?? this.#values[index]!)(buffer, start, this.#spans[base + 2 * index + 1]!);
  }
}
