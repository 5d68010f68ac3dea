import { quoteName, quoteTable } from '../core/identifiers.ts';
import { NEEDS, Need, allZero, columnCode, type ColumnCode, type NeedOf } from './column-code.ts';
import type { RenderOptions } from './options.ts';
import { ROLLBACK_SQL_MODE } from './session.ts';
import type { ColumnShape, TableShape } from './shape.ts';
import { RowCode, type Condition, type WriteRow } from './writer-code.ts';

/** One compiled writer for each kind of row change, named after what it writes. */
export interface RowWriters {
  /** Undoes an insert. */
  readonly deleteRow: WriteRow;
  /** Undoes a delete. */
  readonly insertRow: WriteRow;
  /** Undoes an update. */
  readonly updateRow: WriteRow;
}

/** @param images 'sparse': columns may be missing from the images; what the undo needs is there (`refusalOf`). */
export function compileRowWriters(shape: TableShape, options: RenderOptions, images: 'full' | 'sparse'): RowWriters {
  const context = contextOf(shape, options, images);
  return { deleteRow: compileDelete(context), insertRow: compileInsert(context), updateRow: compileUpdate(context) };
}

/** Sets @c to whether the row is there as the image has it, byte for byte, and locks it. */
export function compileFinder(shape: TableShape, options: RenderOptions): WriteRow {
  const context = contextOf(shape, options, 'full');
  const code = new RowCode({
    heads: heads(context, 'SELECT', `COUNT(*)>0 INTO @c FROM ${context.table} WHERE `), tails: eachNeed(() => ' FOR UPDATE;'), columns: context.columns,
  });
  const terms = conditions(context, 'all');
  conditionNeeds(code, terms, 0);
  code.line('out.raw(heads[need]);');
  code.where(terms, 0);
  return code.compile('findRow');
}

export function contextOf(shape: TableShape, options: RenderOptions, images: 'full' | 'sparse'): Context {
  return {
    shape, options, columns: shape.columns.map((column) => columnCode(column, options)), base: shape.columns.filter((column) => !column.generated),
    table: quoteTable(shape.schema, shape.table), sparse: images === 'sparse',
  };
}

/** What the writers of one shape are compiled from. */
export interface Context {
  readonly shape: TableShape;
  readonly options: RenderOptions;
  readonly columns: readonly ColumnCode[];
  readonly base: readonly ColumnShape[];
  readonly table: string;
  readonly sparse: boolean;
}

/** The statement's start, with the settings that a need asks for made for this statement only. */
function heads({ shape, options }: Context, verb: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE', rest: string | ((need: number) => string)): Buffer[] {
  const unchecked = options.flavour === 'mariadb' && options.form === 'backup' && (verb === 'INSERT' || verb === 'UPDATE') && mayHaveChecks(shape);
  return eachNeed((need) => {
    const settings = [
      ...(unchecked ? ['check_constraint_checks=0'] : []),
      ...((need & Need.SQL_MODE) !== 0 ? [`sql_mode='${ROLLBACK_SQL_MODE}'`] : []),
      ...((need & Need.TIME_ZONE) !== 0 ? ["time_zone='+00:00'"] : []),
    ];
    return `${withSettings(options.flavour, verb, settings)} ${typeof rest === 'string' ? rest : rest(need)}`;
  });
}

/**
 * MariaDB runs what stands in its executable comment; readers that know only INSERT, UPDATE and DELETE see a comment there.
 * Its client sends it on also under --skip-comments (measured on 10.11 and 11.8).
 */
function withSettings(flavour: RenderOptions['flavour'], verb: string, settings: readonly string[]): string {
  if (settings.length === 0) return verb;
  return flavour === 'mysql' ? `${verb} /*+ ${settings.map((one) => `SET_VAR(${one})`).join(' ')} */` : `/*M! SET STATEMENT ${settings.join(', ')} FOR */ ${verb}`;
}

/**
 * MariaDB, whose JSON columns are CHECKs too, has rows that break one: written by UPDATE IGNORE, with check_constraint_checks=0, or
 * before it. The word in a comment or a name does no harm; a definition without a text may have any.
 */
function mayHaveChecks({ definition: { sql } }: TableShape): boolean {
  return sql === '' || /\bCHECK\b/i.test(sql);
}

export function eachNeed(text: (need: number) => string): Buffer[] {
  return Array.from({ length: NEEDS }, (_, need) => Buffer.from(text(need)));
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
function conditions({ shape, columns, base, sparse }: Context, guarded: 'none' | 'all' | 'changed'): Condition[] {
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
    if (guarded === 'changed' && isSoft(column, keyed)) return [];
    if (!keyed.has(column.index)) return exact(column, guarded === 'changed');
    const code = columns[column.index]!;
    return code.exact === code.match ? [] : [{ column, by: 'exact' as const, onlyIfChanged: guarded === 'changed', onlyIfKnown: sparse }];
  });
  return [...key, ...guards];
}

/**
 * A time that the server sets by itself at any later change of the row, also of columns that the undo does not touch: as a
 * guard it would fail for everybody's sake. It is put back only while it still holds what the undone change left.
 */
function isSoft(column: ColumnShape, keyed: ReadonlySet<number>): boolean {
  return column.onUpdateNow && !keyed.has(column.index);
}

function tails({ shape }: Context): Buffer[] {
  return eachNeed(() => (shape.key.kind === 'none' ? ' LIMIT 1;' : ';'));
}

function conditionNeeds(code: RowCode, terms: readonly Condition[], image: number): void {
  for (const { column, by, onlyIfChanged } of terms) {
    code.need(column, image, by === 'match' ? 'needOfMatch' : 'needOfExact', onlyIfChanged ? `changed_${column.index} && ` : '');
  }
}

function compileDelete(context: Context): WriteRow {
  const { columns, table } = context;
  const code = new RowCode({ heads: heads(context, 'DELETE', `FROM ${table} WHERE `), tails: tails(context), columns });
  const terms = deleteConditions(context);
  conditionNeeds(code, terms, 0);
  code.line('out.raw(heads[need]);');
  code.where(terms, 0);
  return code.compile('deleteRow');
}

function compileInsert(context: Context): WriteRow {
  const { options, table, base } = context;
  // A zero for an AUTO_INCREMENT column would be numbered anew.
  const columns = context.columns.map((code, index): ColumnCode => {
    if (!context.shape.columns[index]!.autoIncrement || options.form === 'script') return code;
    const need: NeedOf = (b, s, e) => (allZero(b, s, e) ? Need.SQL_MODE : Need.NOTHING);
    return { ...code, needOfValue: need };
  });
  const { fillers } = context.shape;
  const names = [...base.map((column) => columns[column.index]!.name), ...fillers.map(({ name }) => quoteName(name))].join(',');
  const asSelect = (need: number): boolean => (need & Need.SELECT) !== 0;
  const code = new RowCode({
    heads: heads(context, 'INSERT', (need) => `INTO ${table}(${names}) ${asSelect(need) ? 'SELECT ' : 'VALUES('}`),
    tails: eachNeed((need) => (asSelect(need) ? ';' : ');')), columns,
  });
  for (const column of base) code.need(column, 0, 'needOfValue');
  code.line('out.raw(heads[need]);');
  base.forEach((column, place) => {
    if (place > 0) code.line('out.byte(44);');
    code.line(code.value(column, 0));
  });
  if (fillers.length > 0) code.line(code.raw('fillers', fillers.map(({ value }, i) => (base.length + i > 0 ? ',' : '') + value).join('')));
  return code.compile('insertRow');
}

function compileUpdate(context: Context): WriteRow {
  const { shape, options, columns, base, table, sparse } = context;
  const before = 0;
  const after = 2 * shape.columns.length;
  const full = options.update === 'full';
  const code = new RowCode({ heads: heads(context, 'UPDATE', `${table} SET `), tails: tails(context), columns });
  for (const column of base) {
    code.line(`const changed_${column.index} = differs(b, S, o + ${before + 2 * column.index}, o + ${after + 2 * column.index});`);
  }
  code.line(`if (!(${base.map((column) => `changed_${column.index}`).join(' || ')})) return false;`);
  const terms = updateConditions(context);
  for (const column of base) code.need(column, before, 'needOfValue', full ? '' : `changed_${column.index} && `);
  conditionNeeds(code, terms, after);
  // Without a key every column is compared anyway.
  const soft = new Set(options.guard === 'changed' && !full && shape.key.kind !== 'none'
    ? base.filter((column) => isSoft(column, new Set(shape.key.columns))) : []);
  conditionNeeds(code, [...soft].map((column) => ({ column, by: 'exact', onlyIfChanged: true, onlyIfKnown: false })), after);
  code.line('out.raw(heads[need]);');
  code.line('let first = true;');
  for (const column of base) {
    const { name } = columns[column.index]!;
    const separate = `if (first) first = false; else { ${code.raw('comma', ', ')} }`;
    const restore = soft.has(column)
      ? `${separate} ${code.raw(`if_${column.index}`, `${name}=IF(`)} ${code.condition(column, 'exact', after)} out.byte(44);
        ${code.value(column, before)} ${code.raw(`else_${column.index}`, `,${name})`)}`
      : `${separate} ${code.raw(`set_${column.index}`, `${name}=`)} ${code.value(column, before)}`;
    // An UPDATE would set such a column to the present time unless it names it.
    const keep = column.onUpdateNow ? ` else { ${separate} ${code.raw(`keep_${column.index}`, `${name}=${name}`)} }` : '';
    // Left out of both images: unchanged.
    const known = sparse ? `if (S[o + ${before + 2 * column.index}] > -2) { ${restore} }` : restore;
    code.line(full ? known : `if (changed_${column.index}) { ${restore} }${keep}`);
  }
  code.line(code.raw('where', ' WHERE '));
  code.where(terms, after);
  return code.compile('updateRow');
}
