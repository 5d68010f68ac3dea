import type { SqlBuffer } from '../core/sql-buffer.ts';
import { isFullImage } from '../binlog/rows-event.ts';
import type { RowsEvent } from '../binlog/types.ts';
import { mayBeEmpty } from './literals/literal.ts';
import type { RenderOptions } from './options.ts';
import { RowLocator } from './row-locator.ts';
import { compileRowWriters, type RowWriters } from './row-writers.ts';
import type { TableShape } from './shape.ts';
import { refusalOf } from './sparse-images.ts';

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

export function compileWriter(shape: TableShape, options: RenderOptions): UndoWriter {
  return new CompiledWriter(shape, options);
}

class CompiledWriter implements UndoWriter {
  readonly shape: TableShape;
  readonly keyed: UndoWriter['keyed'];
  readonly needsSession: readonly string[];
  readonly #hinted: boolean;
  readonly #locator: RowLocator;
  readonly #writers: RowWriters;
  readonly #options: RenderOptions;
  /** For images that lack columns; compiled when the first one comes. */
  #sparse: RowWriters | null = null;
  #sessionRows = 0;

  constructor(shape: TableShape, options: RenderOptions) {
    this.shape = shape;
    this.keyed = shape.key.kind;
    this.needsSession = sessionReasons(shape, options);
    this.#hinted = options.flavour === 'mysql';
    this.#locator = new RowLocator(shape);
    this.#writers = compileRowWriters(shape, options, 'full');
    this.#options = options;
  }

  get rowsNeedingSession(): number {
    return this.#sessionRows;
  }

  undo(rows: RowsEvent, out: SqlBuffer, onStatement: (start: number, end: number) => void, leftOut: ReadonlySet<number> | null = null): number {
    const { count, spans, width, sparse } = this.#locator.locate(rows);
    const { deleteRow, insertRow, updateRow } = sparse ? this.#sparse ??= compileRowWriters(this.shape, this.#options, 'sparse') : this.#writers;
    const write = rows.kind === 'insert' ? deleteRow : rows.kind === 'delete' ? insertRow : updateRow;
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
    this.#locator.release();
    return statements;
  }

  refuses(rows: RowsEvent): string | null {
    return isFullImage(rows) ? null : refusalOf(this.shape, rows);
  }
}

function sessionReasons(shape: TableShape, { flavour, form, exactFromUnixtime }: RenderOptions): string[] {
  // MySQL's statements carry what they need as optimizer hints.
  if (form === 'script' || flavour === 'mysql') return [];
  const base = shape.columns.filter((column) => !column.generated);
  const reasons: string[] = [];
  if (base.some(({ kind }) => kind === 'date' || kind.startsWith('datetime'))) reasons.push('an impossible date such as 2026-02-31 needs sql_mode ALLOW_INVALID_DATES');
  if (base.some(({ kind }) => kind === 'enum')) reasons.push('ENUM index 0 needs a sql_mode without strict mode');
  if (base.some(mayBeEmpty)) reasons.push('a geometry or vector of no bytes, as ALTER TABLE makes them, needs a sql_mode without strict mode');
  if (base.some(({ autoIncrement }) => autoIncrement)) reasons.push('AUTO_INCREMENT 0 needs sql_mode NO_AUTO_VALUE_ON_ZERO');
  if (exactFromUnixtime !== true && base.some(({ kind }) => kind.startsWith('timestamp'))) {
    reasons.push("a TIMESTAMP in the repeated hour of a DST zone needs time_zone '+00:00' on MariaDB before 11.8");
  }
  return reasons;
}
