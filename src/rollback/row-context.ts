import { quoteTable } from '../core/identifiers.ts';
import { columnCode, type ColumnCode } from './column-code.ts';
import type { RenderOptions } from './options.ts';
import type { ColumnShape, TableShape } from './shape.ts';
import type { Condition, RowCode } from './writer-code.ts';

/** What the writers of one shape are compiled from. */
export interface Context {
  readonly shape: TableShape;
  readonly options: RenderOptions;
  readonly columns: readonly ColumnCode[];
  readonly base: readonly ColumnShape[];
  readonly table: string;
  readonly sparse: boolean;
}

export function contextOf(shape: TableShape, options: RenderOptions, images: 'full' | 'sparse'): Context {
  return {
    shape, options, columns: shape.columns.map((column) => columnCode(column, options)), base: shape.columns.filter((column) => !column.generated),
    table: quoteTable(shape.schema, shape.table), sparse: images === 'sparse',
  };
}

/** What finds the row that the undo of an insert deletes. */
export function deleteConditions(context: Context): Condition[] {
  return conditions(context, context.options.guard === 'none' ? 'none' : 'all');
}

/** What finds the row that the undo of an update changes. */
export function updateConditions(context: Context): Condition[] {
  const { guard, update } = context.options;
  return conditions(context, guard === 'none' ? 'none' : update === 'full' || guard === 'row' ? 'all' : 'changed');
}

/** The conditions that find the row: its key, or every column byte for byte. `guarded` columns are compared byte for byte too. */
export function conditions({ shape, columns, base, sparse }: Context, guarded: 'none' | 'all' | 'changed'): Condition[] {
  const exact = (column: ColumnShape, onlyIfChanged: boolean): Condition[] => [
    ...(columns[column.index]!.matchFirst ? [{ column, by: 'match' as const, onlyIfChanged, onlyIfKnown: sparse }] : []),
    { column, by: 'exact', onlyIfChanged, onlyIfKnown: sparse },
  ];
  // All of them are known: `refusalOf` saw to that.
  if (shape.key.kind === 'none') return base.flatMap((column) => exact(column, false)).map((condition) => ({ ...condition, onlyIfKnown: false }));
  const keyed = new Set(shape.key.columns);
  const key = shape.key.columns.map((index): Condition => ({ column: shape.columns[index]!, by: 'match', onlyIfChanged: false, onlyIfKnown: false }));
  if (guarded === 'none') return key;
  const guards = base.flatMap((column) => {
    if (guarded === 'changed' && setsItself(column, keyed)) return [];
    if (!keyed.has(column.index)) return exact(column, guarded === 'changed');
    const code = columns[column.index]!;
    return code.exact === code.match ? [] : [{ column, by: 'exact' as const, onlyIfChanged: guarded === 'changed', onlyIfKnown: sparse }];
  });
  return [...key, ...guards];
}

/**
 * A time that the server sets by itself at any later change of the row, also of columns that the undo does not touch: as a
 * guard it would fail for everybody's sake.
 */
function setsItself(column: ColumnShape, keyed: ReadonlySet<number>): boolean {
  return column.onUpdateNow && !keyed.has(column.index);
}

/** Whether the undo of an update puts a column back only while it still holds what the undone change left, instead of demanding that. */
export function isSoft({ shape, options }: Context, column: ColumnShape): boolean {
  // Without a key every column is compared anyway.
  return options.guard === 'changed' && options.update !== 'full' && shape.key.kind !== 'none' && setsItself(column, new Set(shape.key.columns));
}

/** Constants of the code that tell which columns an update changed. */
export function declareChanges({ base, shape }: Context, code: RowCode): void {
  const after = 2 * shape.columns.length;
  for (const { index } of base) code.line(`const changed_${index} = differs(b, S, o + ${2 * index}, o + ${after + 2 * index});`);
}
