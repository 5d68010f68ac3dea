import { columnCode } from './column-code.ts';
import type { RenderOptions } from './options.ts';
import type { ColumnKind, ColumnShape, TableShape } from './shape.ts';

/** What the caller knows of a table that its definition does not tell. */
export interface MergeLimits {
  /** Rows whose insert is undone may share a DELETE: no row of the table goes by itself with another one. */
  readonly deletes: boolean;
  /** Columns, in lower case, whose restoring may concern other rows; null: rows may not share an UPDATE at all. */
  readonly fixed: ReadonlySet<string> | null;
}

/** Which changes of a table may share a statement without any difference to one statement for each. */
export interface Mergeable {
  readonly deletes: boolean;
  readonly inserts: boolean;
  /** Columns that an UPDATE of several rows may restore; empty: none may. */
  readonly restored: readonly ColumnShape[];
}

/**
 * Kinds whose values stay what they are when CASE chooses among several: the result of CASE has the type that all of its values share, and
 * the column gets it converted. FLOAT, BIT, JSON and what is no plain text or number are left to statements of their own.
 */
const KEPT_BY_CASE: ReadonlySet<ColumnKind> = new Set([
  'int', 'decimal', 'year', 'date', 'time', 'datetime', 'timestamp', 'time-classic', 'datetime-classic', 'timestamp-classic', 'text', 'binary', 'varbinary', 'enum',
]);

/**
 * - Triggers may look at other rows of their table, and what a failed statement left in a table that cannot roll back would differ.
 * - DELETE and UPDATE need a key: without one LIMIT bounds each to one row. Each term of theirs then finds one row at most, so that the number
 *   of rows is that of the terms only when each found its own.
 * - UPDATE goes through the rows in an order of its own: nothing restored may be unique, or what a foreign key refers to.
 */
export function mergeable(shape: TableShape, options: RenderOptions, limits: MergeLimits): Mergeable {
  const { definition, key } = shape;
  if (definition.triggers.length > 0 || !definition.transactional) return { deletes: false, inserts: false, restored: [] };
  const keyed = key.kind !== 'none';
  return { deletes: keyed && limits.deletes, inserts: true, restored: keyed && options.update === 'changed' ? restorable(shape, options, limits.fixed) : [] };
}

function restorable({ columns, definition, key }: TableShape, options: RenderOptions, fixed: MergeLimits['fixed']): ColumnShape[] {
  if (fixed === null) return [];
  // Two updates of one row must not meet in a statement: the key's bytes have to tell rows apart as the server does.
  if (key.columns.some((index) => {
    const code = columnCode(columns[index]!, options);
    return code.exact !== code.match;
  })) return [];
  const unique = definition.keys.filter((one) => one.unique).flatMap(({ parts }) => parts.map(({ column }) => column?.toLowerCase() ?? null));
  const computed = new Set(definition.columns.filter(({ generated }) => generated !== null).map(({ name }) => name.toLowerCase()));
  if (unique.some((name) => name === null || computed.has(name))) return [];
  return columns.filter((column) => !column.generated && KEPT_BY_CASE.has(column.kind) && column.relabelling === null && column.storedAs === null && !column.compressed
    && !unique.includes(column.name.toLowerCase()) && !fixed.has(column.name.toLowerCase()));
}
