import { UndoError } from '../core/errors.ts';
import { quoteTable } from '../core/identifiers.ts';
import { isFullImage } from '../binlog/rows-event.ts';
import type { RowsEvent } from '../binlog/types.ts';
import { compileLocate, type Locate } from './locate.ts';
import type { TableShape } from './shape.ts';
import { refusalOf, SparseLocator } from './sparse-images.ts';

/** Where the columns of an event's rows are, until the next event is located. */
export interface LocatedRows {
  readonly count: number;
  /** Of row `i` at `i * width`: the before image's, or a lone image's, then an update's after image. */
  readonly spans: Int32Array;
  readonly width: number;
  /** Columns may be missing from the images. */
  readonly sparse: boolean;
}

/** Spans of a large event are given back afterwards. */
const KEPT_SPANS = 1 << 18;

/** Finds the columns of all rows of an event, for one table shape. */
export class RowLocator {
  readonly #shape: TableShape;
  readonly #locate: Locate;
  /** For images that lack columns; made when the first one comes. */
  #sparse: SparseLocator | null = null;
  #spans = new Int32Array(1024);

  constructor(shape: TableShape) {
    this.#shape = shape;
    this.#locate = compileLocate(shape.columns);
  }

  /** @throws UndoError EVENT_CORRUPT when the rows do not parse, NOT_UNDOABLE when an image lacks what the undo needs. */
  locate(rows: RowsEvent): LocatedRows {
    const sparse = this.#sparseFor(rows);
    const { columns } = this.#shape;
    if (rows.columnCount !== columns.length) throw this.#corrupt(`A rows event has ${rows.columnCount} columns, ${this.#name()} has ${columns.length}.`);
    const imageWidth = 2 * columns.length;
    const width = imageWidth * (rows.kind === 'update' ? 2 : 1);
    let count = 0;
    for (let at = rows.rowsStart; at < rows.rowsEnd; count++) {
      const from = at;
      if ((count + 1) * width > this.#spans.length) this.#growSpans((count + 1) * width);
      if (sparse) at = sparse.row(rows, at, this.#spans, count * width);
      else for (let image = 0; image < width && at >= 0; image += imageWidth) at = this.#locate(rows.buffer, at, rows.rowsEnd, this.#spans, count * width + image);
      // A row that takes no bytes would come again without end.
      if (at <= from) throw this.#corrupt(`Row ${count + 1} of a rows event of ${this.#name()} runs over the event's end.`);
    }
    return { count, spans: this.#spans, width, sparse: sparse !== null };
  }

  /** The rows are done with. */
  release(): void {
    if (this.#spans.length > KEPT_SPANS) this.#spans = new Int32Array(1024);
  }

  #sparseFor(rows: RowsEvent): SparseLocator | null {
    if (isFullImage(rows)) return null;
    const refusal = refusalOf(this.#shape, rows);
    if (refusal !== null) {
      throw new UndoError('NOT_UNDOABLE', `Rows of ${this.#name()} cannot be undone: ${refusal}.`, { fix: 'Set binlog_row_image=FULL on the source for what is to come.' });
    }
    return (this.#sparse ??= new SparseLocator(this.#shape.columns));
  }

  #name(): string {
    return quoteTable(this.#shape.schema, this.#shape.table);
  }

  #corrupt(what: string): UndoError {
    return new UndoError('EVENT_CORRUPT', what);
  }

  #growSpans(needed: number): void {
    const grown = new Int32Array(Math.max(needed, this.#spans.length * 2));
    grown.set(this.#spans);
    this.#spans = grown;
  }
}
