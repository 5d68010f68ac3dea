import { sameBytes } from '../../core/byte-view.ts';
import type { RowsEvent } from '../../binlog/types.ts';
import type { TableShape } from '../../rollback/index.ts';
import type { TableDefinition } from '../../schema/definition.ts';

/** Columns of one row by name; `all` also where they cannot be told one by one. */
export type Columns = ReadonlySet<string> | 'all';

export function meet(a: Columns, b: Columns): boolean {
  if (a === 'all' || b === 'all') return true;
  for (const name of a) if (b.has(name)) return true;
  return false;
}

/** What a row change changed, and what its undo writes or, under guard=changed, looks at. */
export interface ChangedColumns {
  readonly changed: Columns;
  readonly restored: Columns;
}

const WHOLE: ChangedColumns = { changed: 'all', restored: 'all' };

/**
 * Tells by columns what changes of one shape have to do with each other. Equal answers are one object, so that a million rows cost no
 * million sets.
 */
export class ColumnsOfChanges {
  readonly #shape: TableShape;
  /** Columns that find the row; null: all of them do, as in a table without a key. */
  readonly #key: ReadonlySet<number> | null;
  /** The undo of an update writes every column. */
  readonly #full: boolean;
  /** A column has another name now, so that names tell nothing. */
  readonly #renamed: boolean;
  readonly #known = new Map<string, ChangedColumns>();

  constructor(shape: TableShape, present: TableDefinition, key: readonly number[] | null, full: boolean) {
    this.#shape = shape;
    this.#key = key && new Set(key);
    this.#full = full;
    const names = new Set(present.columns.map(({ name }) => name));
    this.#renamed = shape.columns.some(({ name }) => !names.has(name));
  }

  /** @param spans of the row's columns: its before image's first, an update's after image at `after`. */
  of({ kind, buffer }: RowsEvent, spans: Int32Array, after: number): ChangedColumns {
    if (kind !== 'update' || this.#renamed) return WHOLE;
    const changed = this.#shape.columns.filter(({ index }) => differ(buffer, spans, 2 * index, after + 2 * index)).map(({ index }) => index);
    const id = changed.join();
    let known = this.#known.get(id);
    if (!known) this.#known.set(id, (known = this.#describe(changed)));
    return known;
  }

  #describe(changed: readonly number[]): ChangedColumns {
    const name = (index: number): string => this.#shape.columns[index]!.name;
    const key = this.#key;
    // A time that the server sets at every change is put back only while it still holds what the undone change left.
    const firm = changed.filter((index) => key?.has(index) === true || !this.#shape.columns[index]!.onUpdateNow);
    return { changed: new Set(changed.map(name)), restored: key === null || this.#full ? 'all' : new Set([...firm, ...key].map(name)) };
  }
}

function differ(b: Buffer, spans: Int32Array, x: number, y: number): boolean {
  const [s, t] = [spans[x]!, spans[y]!];
  if (s < 0 || t < 0) return s !== t;
  const length = spans[x + 1]! - s;
  return length !== spans[y + 1]! - t || !sameBytes(b, s, t, length);
}
