import type { SqlBuffer } from '../core/sql-buffer.ts';
import { isFullImage } from '../binlog/rows-event.ts';
import type { RowsEvent } from '../binlog/types.ts';
import type { RenderOptions } from './options.ts';
import { RowLocator } from './row-locator.ts';
import { compileRowWriters, type RowWriters } from './row-writers.ts';
import type { TableShape } from './shape.ts';
import { refusalOf } from './sparse-images.ts';

/** Renders the rollback statements of one table shape. Compiled once; not to be called from inside its own callback. */
export interface UndoWriter {
  readonly shape: TableShape;
  readonly keyed: 'primary' | 'unique' | 'none';
  /**
   * Appends one statement, ending with `;` and without newline, for each row of the event, the last row first, and calls
   * `onStatement` with its place in `out` after each; the callback may clear `out`. Returns the number of statements:
   * an update that changed no byte gives none.
   * @param leftOut rows that get none, by their number in the event.
   * @throws UndoError EVENT_CORRUPT when the rows do not parse, NOT_UNDOABLE when an image lacks what the undo needs.
   */
  undo(rows: RowsEvent, out: SqlBuffer, onStatement: (start: number, end: number) => void, leftOut?: ReadonlySet<number> | null): number;
  /** Why `undo` would refuse rows whose images lack columns; null when it would not. */
  refuses(rows: RowsEvent): string | null;
}

export function compileWriter(shape: TableShape, options: RenderOptions): UndoWriter {
  return new CompiledWriter(shape, options);
}

class CompiledWriter implements UndoWriter {
  readonly shape: TableShape;
  readonly keyed: UndoWriter['keyed'];
  readonly #locator: RowLocator;
  readonly #writers: RowWriters;
  readonly #options: RenderOptions;
  /** For images that lack columns; compiled when the first one comes. */
  #sparse: RowWriters | null = null;

  constructor(shape: TableShape, options: RenderOptions) {
    this.shape = shape;
    this.keyed = shape.key.kind;
    this.#locator = new RowLocator(shape);
    this.#writers = compileRowWriters(shape, options, 'full');
    this.#options = options;
  }

  undo(rows: RowsEvent, out: SqlBuffer, onStatement: (start: number, end: number) => void, leftOut: ReadonlySet<number> | null = null): number {
    const { count, spans, width, sparse } = this.#locator.locate(rows);
    const { deleteRow, insertRow, updateRow } = sparse ? this.#sparse ??= compileRowWriters(this.shape, this.#options, 'sparse') : this.#writers;
    const write = rows.kind === 'insert' ? deleteRow : rows.kind === 'delete' ? insertRow : updateRow;
    let statements = 0;
    for (let row = count - 1; row >= 0; row--) {
      if (leftOut?.has(row) === true) continue;
      const start = out.length;
      if (!write(out, rows.buffer, spans, row * width)) continue;
      statements++;
      onStatement(start, out.length);
    }
    this.#locator.release();
    return statements;
  }

  refuses(rows: RowsEvent): string | null {
    return isFullImage(rows) ? null : refusalOf(this.shape, rows);
  }
}
