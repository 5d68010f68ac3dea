import { quoteName, quoteText } from '../core/identifiers.ts';
import type { KeyDefinition } from '../schema/definition.ts';
import { incomparable } from './keys/key-lists.ts';
import { deleteConditions, updateConditions, type Context } from './row-context.ts';
import { eachNeed } from './row-writers.ts';
import type { ColumnShape } from './shape.ts';
import { RowCode, type Condition, type WriteRow } from './writer-code.ts';

/** Of the row being written; set before each. */
export interface KnownColumns {
  /** Which columns need no look: what holds them is known. */
  mask: Uint8Array;
  /** Of a row without a key: how many equal ones have to be there. */
  times: number;
}

/** Writers of one look for a row change. As a SELECT it gives a row when its undo would not find what it needs; all take columns and equal rows as `known` says. */
export interface CheckWriters {
  /** Of an insert: the row as it was left. */
  readonly inserted: WriteRow;
  /** Of an update: the same, as far as the guard looks. */
  readonly updated: WriteRow;
  /** Of a delete, or an update that changed it: whether a value of a unique key is taken that the undo brings back. */
  readonly keys: readonly { readonly name: string; readonly columns: readonly number[]; readonly deleted: WriteRow; readonly updated: WriteRow }[];
}

/** @param counted in place of SELECTs that list what is wrong: each adds 1 to @d when nothing is. */
export function compileChecks(context: Context, known: KnownColumns, counted: boolean): CheckWriters {
  const { shape } = context;
  const after = 2 * shape.columns.length;
  const places = new Map(shape.columns.map((column) => [column.name.toLowerCase(), column]));
  const keys = shape.definition.keys.filter((key) => key.unique && incomparable(key) === null).flatMap((key) => {
    const columns = key.parts.map(({ column }) => places.get(column!.toLowerCase()));
    return columns.every((column) => column !== undefined) ? [{ key, columns }] : [];
  });
  return {
    inserted: rowCheck(context, 'checkInserted', deleteConditions(context), 0, known, counted),
    updated: rowCheck(context, 'checkUpdated', updateConditions(context), after, known, counted),
    keys: keys.map(({ key, columns }) => ({
      name: key.name, columns: columns.map(({ index }) => index),
      deleted: keyCheck(context, key, columns, null, counted), updated: keyCheck(context, key, columns, after, counted),
    })),
  };
}

/** @param found what is right; its bracket is closed at the end. */
function open({ shape, table, columns }: Context, found: 'EXISTS' | 'NOT EXISTS', counted: boolean): RowCode {
  return new RowCode({
    heads: eachNeed(() => (counted ? `SET @d=@d+(${found}(SELECT 1 FROM ${table} WHERE ` : `SELECT ${quoteText(`${shape.schema}.${shape.table}`)} AS ${quoteName('table')},CONCAT_WS(', '`)),
    tails: eachNeed(() => (counted ? '));' : ');')), columns,
  });
}

/** The row's key as text; of a row without one, what it begins with. */
function showKey(code: RowCode, columns: readonly ColumnShape[], image: number): void {
  for (const column of columns) {
    const { start } = code.span(column, image);
    const hex = HEX.has(column.kind);
    code.line(`if (${start} >= 0) { ${code.raw(`show_${column.index}`, `,CONCAT(${quoteText(`${column.name}=${hex ? '0x' : ''}`)},${hex ? 'HEX(' : ''}`)} ${code.value(column, image)} ${code.raw(`shown_${column.index}`, hex ? '))' : ')')} }`);
  }
}

const HEX: ReadonlySet<ColumnShape['kind']> = new Set<ColumnShape['kind']>(['binary', 'varbinary', 'bit', 'geometry', 'vector']);
const MOST_SHOWN = 4;

function rowCheck(context: Context, name: string, terms: readonly Condition[], image: number, known: KnownColumns, counted: boolean): WriteRow {
  const { shape, base, table } = context;
  const code = open(context, 'EXISTS', counted);
  const keyed = new Set(shape.key.columns);
  code.part('known', known);
  const conditional = image === 0 ? [] : base.filter((column) => terms.some((term) => term.column === column && term.onlyIfChanged));
  // The name is what terms that depend on a change ask for; here also for what is known of the row.
  for (const column of base) {
    const own = `known.mask[${column.index}] === 0`;
    const changed = conditional.includes(column) ? ` && differs(b, S, o + ${2 * column.index}, o + ${image + 2 * column.index})` : '';
    code.line(`const changed_${column.index} = ${own}${changed};`);
  }
  if (image > 0) code.line(`if (!(${base.map(({ index }) => `differs(b, S, o + ${2 * index}, o + ${image + 2 * index})`).join(' || ')})) return false;`);
  if (image > 0) code.line(`if (known.mask.includes(1) && !(${base.map(({ index }) => `changed_${index}`).join(' || ')})) return false;`);
  code.line('out.raw(heads[need]);');
  if (!counted) showKey(code, shape.key.kind === 'none' ? base.slice(0, MOST_SHOWN) : shape.key.columns.map((index) => shape.columns[index]!), image);
  if (!counted) code.line(code.raw('missing', `) AS ${quoteName('key')},'the row is gone or was changed' AS problem FROM DUAL WHERE NOT EXISTS(SELECT 1 FROM ${table} WHERE `));
  code.where(terms.map((term) => ({ ...term, onlyIfChanged: term.onlyIfChanged || (!keyed.has(term.column.index) && shape.key.kind !== 'none') })), image);
  if (shape.key.kind === 'none') code.line('if (known.times > 1) out.text(` LIMIT ${known.times - 1},1`);');
  return code.compile(name);
}

/** @param after where an update's after image is: the value is looked for only if the update changed it. */
function keyCheck(context: Context, key: KeyDefinition, columns: readonly ColumnShape[], after: number | null, counted: boolean): WriteRow {
  const code = open(context, 'NOT EXISTS', counted);
  code.line(`if (${columns.map((column) => `${code.span(column, 0).start} < 0`).join(' || ')}) return false;`);
  if (after !== null) code.line(`if (!(${columns.map(({ index }) => `differs(b, S, o + ${2 * index}, o + ${after + 2 * index})`).join(' || ')})) return false;`);
  code.line('out.raw(heads[need]);');
  if (!counted) showKey(code, columns, 0);
  const what = key.primary ? 'its primary key is taken' : `its unique key ${key.name} is taken`;
  if (!counted) code.line(code.raw('taken', `) AS ${quoteName('key')},${quoteText(what)} AS problem FROM DUAL WHERE EXISTS(SELECT 1 FROM ${context.table} WHERE `));
  code.where(columns.map((column): Condition => ({ column, by: 'match', onlyIfChanged: false, onlyIfKnown: false })), 0);
  return code.compile('checkKey');
}
