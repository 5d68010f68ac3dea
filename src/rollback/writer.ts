import { UndoError } from '../core/errors.ts';
import { quoteTable } from '../core/identifiers.ts';
import type { SqlBuffer } from '../core/sql-buffer.ts';
import { isFullImage } from '../binlog/rows-event.ts';
import type { RowsEvent } from '../binlog/types.ts';
import { compileLocate, type Locate } from './locate.ts';
import type { RenderOptions } from './options.ts';
import { compileRowWriters, type RowWriters } from './row-writers.ts';
import type { TableShape } from './shape.ts';
import { refusalOf, SparseLocator } from './sparse-images.ts';

/** Renders the rollback statements of one table shape. Compiled once; not to be called from inside its own callback. */
export interface UndoWriter {
  readonly shape: TableShape;
  readonly keyed: 'primary' | 'unique' | 'none';
  /** Why rows of form 'backup' may need a session of their own; empty when none ever does. */
  readonly needsSession: readonly string[];
  /** Of the statements written so far, how many do. */
  readonly rowsNeedingSession: number;
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

/** Spans of a large event are given back afterwards. */
const KEPT_SPANS = 1 << 18;

export function compileWriter(shape: TableShape, options: RenderOptions): UndoWriter {
  return new CompiledWriter(shape, options);
}

class CompiledWriter implements UndoWriter {
  readonly shape: TableShape;
  readonly keyed: UndoWriter['keyed'];
  readonly needsSession: readonly string[];
  readonly #hinted: boolean;
  readonly #locate: Locate;
  readonly #writers: RowWriters;
  readonly #options: RenderOptions;
  /** For images that lack columns; compiled when the first one comes. */
  #sparse: { readonly locator: SparseLocator; readonly writers: RowWriters } | null = null;
  #spans = new Int32Array(1024);
  #sessionRows = 0;

  constructor(shape: TableShape, options: RenderOptions) {
    this.shape = shape;
    this.keyed = shape.key.kind;
    this.needsSession = sessionReasons(shape, options);
    this.#hinted = options.flavour === 'mysql';
    this.#locate = compileLocate(shape.columns);
    this.#writers = compileRowWriters(shape, options, 'full');
    this.#options = options;
  }

  get rowsNeedingSession(): number {
    return this.#sessionRows;
  }

  undo(rows: RowsEvent, out: SqlBuffer, onStatement: (start: number, end: number) => void, leftOut: ReadonlySet<number> | null = null): number {
    const sparse = this.#sparseFor(rows);
    const count = this.#locateRows(rows, sparse?.locator ?? null);
    const { deleteRow, insertRow, updateRow } = sparse?.writers ?? this.#writers;
    const write = rows.kind === 'insert' ? deleteRow : rows.kind === 'delete' ? insertRow : updateRow;
    const width = this.#rowWidth(rows);
    const spans = this.#spans;
    let statements = 0;
    for (let row = count - 1; row >= 0; row--) {
      if (leftOut?.has(row) === true) continue;
      const start = out.length;
      const need = write(out, rows.buffer, spans, row * width);
      if (need < 0) continue;
      if (need > 0 && !this.#hinted) this.#sessionRows++;
      statements++;
      onStatement(start, out.length);
    }
    if (spans.length > KEPT_SPANS) this.#spans = new Int32Array(1024);
    return statements;
  }

  refuses(rows: RowsEvent): string | null {
    return isFullImage(rows) ? null : refusalOf(this.shape, rows);
  }

  #sparseFor(rows: RowsEvent): { readonly locator: SparseLocator; readonly writers: RowWriters } | null {
    if (isFullImage(rows)) return null;
    const refusal = refusalOf(this.shape, rows);
    if (refusal !== null) {
      throw new UndoError('NOT_UNDOABLE', `Rows of ${quoteTable(this.shape.schema, this.shape.table)} cannot be undone: ${refusal}.`, {
        fix: 'Set binlog_row_image=FULL on the source for what is to come.',
      });
    }
    return (this.#sparse ??= { locator: new SparseLocator(this.shape.columns), writers: compileRowWriters(this.shape, this.#options, 'sparse') });
  }

  #rowWidth(rows: RowsEvent): number {
    return 2 * this.shape.columns.length * (rows.kind === 'update' ? 2 : 1);
  }

  /** Fills the spans of all rows; returns how many rows there are. */
  #locateRows(rows: RowsEvent, sparse: SparseLocator | null): number {
    const { columns } = this.shape;
    const name = (): string => quoteTable(this.shape.schema, this.shape.table);
    if (rows.columnCount !== columns.length) {
      throw new UndoError('EVENT_CORRUPT', `A rows event has ${rows.columnCount} columns, ${name()} has ${columns.length}.`);
    }
    const width = this.#rowWidth(rows);
    const imageWidth = 2 * columns.length;
    let count = 0;
    for (let at = rows.rowsStart; at < rows.rowsEnd; count++) {
      const from = at;
      if ((count + 1) * width > this.#spans.length) this.#growSpans((count + 1) * width);
      if (sparse) at = sparse.row(rows, at, this.#spans, count * width);
      else for (let image = 0; image < width && at >= 0; image += imageWidth) at = this.#locate(rows.buffer, at, rows.rowsEnd, this.#spans, count * width + image);
      // A row that takes no bytes would come again without end.
      if (at <= from) throw new UndoError('EVENT_CORRUPT', `Row ${count + 1} of a rows event of ${name()} runs over the event's end.`);
    }
    return count;
  }

  #growSpans(needed: number): void {
    const grown = new Int32Array(Math.max(needed, this.#spans.length * 2));
    grown.set(this.#spans);
    this.#spans = grown;
  }
}

function sessionReasons(shape: TableShape, { flavour, form, exactFromUnixtime }: RenderOptions): string[] {
  // MySQL's statements carry what they need as optimizer hints.
  if (form === 'script' || flavour === 'mysql') return [];
  const base = shape.columns.filter((column) => !column.generated);
  const reasons: string[] = [];
  if (base.some(({ kind }) => kind === 'date' || kind.startsWith('datetime'))) reasons.push('an impossible date such as 2026-02-31 needs sql_mode ALLOW_INVALID_DATES');
  if (base.some(({ kind }) => kind === 'enum')) reasons.push('ENUM index 0 needs a sql_mode without strict mode');
  if (base.some(({ autoIncrement }) => autoIncrement)) reasons.push('AUTO_INCREMENT 0 needs sql_mode NO_AUTO_VALUE_ON_ZERO');
  if (exactFromUnixtime !== true && base.some(({ kind }) => kind.startsWith('timestamp'))) {
    reasons.push("a TIMESTAMP in the repeated hour of a DST zone needs time_zone '+00:00' on MariaDB before 11.8");
  }
  return reasons;
}
