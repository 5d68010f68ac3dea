import type { RowsEvent } from '../binlog/types.ts';
import type { SqlBuffer } from '../core/sql-buffer.ts';
import { compileChecks, type CheckWriters, type KnownColumns } from './check-writers.ts';
import { keyParts, type KeyValuePart } from './keys/key-value.ts';
import type { RenderOptions } from './options.ts';
import { RowLocator } from './row-locator.ts';
import { contextOf } from './row-context.ts';
import type { SeenRows } from './seen-rows.ts';
import type { TableShape } from './shape.ts';

type OnCheck = (start: number, end: number) => void;

const NOBODY: OnCheck = () => undefined;

/**
 * Renders the pre-checks of one table shape: a SELECT for each row change, which gives a row when the undo would not find what it needs.
 * Nothing is changed in between, so a change is looked at only as far as the undo of those after it has not put things right: the newest
 * change of a row, older ones in the columns that no newer one restores.
 */
export class UndoChecker {
  readonly #shape: TableShape;
  /** With the definition of the rows' own time, by which their values compare. */
  readonly #then: TableShape;
  readonly #options: RenderOptions;
  readonly #locator: RowLocator;
  readonly #known: KnownColumns;
  readonly #seen: SeenRows;
  readonly #checks: CheckWriters;
  #sparse: CheckWriters | null = null;
  /** A look at one change of a row is a look at the whole row. */
  readonly #wholeRow: boolean;
  readonly #certainKeys: boolean;

  readonly #counted: boolean;
  /** The table that is looked at. */
  readonly table: string;
  /** Names and types of the rows' own time: where they differ, rows cannot be told to be the same. */
  readonly layout: string;

  /**
   * @param how `certainKeys` leaves out values of unique keys that only the server can tell apart: that they are free again may not be known;
   *   `counted`: in place of SELECTs, statements that add 1 to @d when the undo finds what it needs.
   */
  constructor(shape: TableShape, then: TableShape, options: RenderOptions, seen: SeenRows, { certainKeys = false, counted = false }: { readonly certainKeys?: boolean; readonly counted?: boolean } = {}) {
    this.#shape = shape;
    this.#then = then;
    this.#options = options;
    this.#seen = seen;
    this.#locator = new RowLocator(shape);
    this.#known = { mask: seen.none(shape.columns.length), times: 1 };
    this.#counted = counted;
    this.#checks = compileChecks(contextOf(shape, options, 'full'), this.#known, counted);
    this.table = `${shape.schema}\0${shape.table}`;
    this.layout = JSON.stringify(then.definition.columns.map(({ name, columnType }) => [name, columnType]));
    this.#certainKeys = certainKeys;
    this.#wholeRow = shape.key.kind === 'none' || options.guard !== 'changed' || options.update === 'full';
  }

  /**
   * Appends the checks of an event's rows, the last row first, each with a line end.
   * @param leftOut rows that the script leaves out.
   * @param onCheck gets the place of each check in `out`, without its line end.
   * @returns how many checks there are.
   */
  check(rows: RowsEvent, out: SqlBuffer, leftOut: ReadonlySet<number> | null, onCheck: OnCheck = NOBODY): number {
    const { count, spans, width, sparse } = this.#locator.locate(rows);
    const writers = sparse ? this.#sparse ??= compileChecks(contextOf(this.#shape, this.#options, 'sparse'), this.#known, this.#counted) : this.#checks;
    let written = 0;
    for (let row = count - 1; row >= 0; row--) {
      if (leftOut?.has(row) !== true) written += this.#row(rows, writers, spans.subarray(row * width, (row + 1) * width), out, onCheck);
    }
    this.#locator.release();
    return written;
  }

  #row(rows: RowsEvent, writers: CheckWriters, spans: Int32Array, out: SqlBuffer, onCheck: OnCheck): number {
    const after = rows.kind === 'update' ? 2 * this.#shape.columns.length : 0;
    const write = (check: typeof writers.inserted): number => {
      const start = out.length;
      if (!check(out, rows.buffer, spans, 0)) return 0;
      onCheck(start, out.length);
      out.byte(0x0a);
      return 1;
    };
    const keyless = this.#shape.key.kind === 'none';
    const key = keyless ? this.#shape.columns.filter(({ generated }) => !generated).map(({ index }) => index) : this.#shape.key.columns;
    const left = rows.kind === 'delete' ? null : this.#seen.identity(this.#name('row', key, rows.buffer, spans, after));
    const had = rows.kind === 'insert' ? null : this.#seen.identity(this.#name('row', key, rows.buffer, spans, 0));
    let written = left !== null && this.#asks(left, had, keyless) ? write(rows.kind === 'insert' ? writers.inserted : writers.updated) : 0;
    if (keyless && had !== null && had !== left) this.#seen.made(had);
    for (const { name, columns, deleted, updated } of writers.keys) {
      const value = (image: number): number => this.#seen.identity(this.#name(`key ${name}`, columns, rows.buffer, spans, image));
      if (rows.kind !== 'insert') {
        const old = value(0);
        const certain = !this.#certainKeys || this.#parts(columns, false, rows.buffer, spans, 0).every(({ text }) => text === null);
        if (certain && !this.#seen.has(old)) written += write(rows.kind === 'delete' ? deleted : updated);
        this.#seen.add(old);
      }
      if (rows.kind !== 'delete') this.#seen.add(value(after));
    }
    if (keyless) return written;
    if (left !== null && left === had && !this.#wholeRow) this.#seen.learn(left, this.#changed(rows.buffer, spans, after), this.#shape.columns.length);
    else for (const id of [left, had]) if (id !== null) this.#seen.learn(id, null, this.#shape.columns.length);
    return written;
  }

  /** Whether the row that a change left is to be looked for. */
  #asks(left: number, had: number | null, keyless: boolean): boolean {
    if (keyless) {
      this.#known.times = left === had ? 0 : this.#seen.need(left);
      return this.#known.times > 0;
    }
    this.#known.mask = this.#seen.known(left, this.#shape.columns.length);
    return this.#known.mask !== this.#seen.all;
  }

  #changed(b: Buffer, spans: Int32Array, after: number): number[] {
    return this.#shape.columns.filter(({ index }) => {
      const [s, t] = [spans[2 * index]!, spans[after + 2 * index]!];
      if (s < 0 || t < 0) return s !== t;
      return b.compare(b, t, spans[after + 2 * index + 1], s, spans[2 * index + 1]) !== 0;
    }).map(({ index }) => index);
  }

  #name(kind: string, columns: readonly number[], b: Buffer, spans: Int32Array, image: number): string {
    const { schema, table } = this.#shape;
    const parts = this.#parts(columns, this.#shape.key.kind === 'none' && kind === 'row', b, spans, image);
    return `${schema}\0${table}\0${kind}\0${parts.map(({ bytes }) => bytes.replaceAll('\0', '\0\0')).join('\0.')}`;
  }

  #parts(columns: readonly number[], whole: boolean, b: Buffer, spans: Int32Array, image: number): KeyValuePart[] {
    return keyParts(this.#then, { columns, whole }, b, spans, image);
  }
}
