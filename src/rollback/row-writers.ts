import { quoteName } from '../core/identifiers.ts';
import { NEEDS, Need, allZero, type ColumnCode, type NeedOf } from './column-code.ts';
import type { RenderOptions } from './options.ts';
import { conditions, contextOf, declareChanges, deleteConditions, isSoft, updateConditions, type Context } from './row-context.ts';
import { ROLLBACK_SQL_MODE } from './session.ts';
import type { TableShape } from './shape.ts';
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
  const asSelect = (need: number): boolean => (need & Need.SELECT) !== 0;
  const code = new RowCode({
    heads: heads(context, 'INSERT', (need) => `INTO ${table}(${insertNames(context)}) ${asSelect(need) ? 'SELECT ' : 'VALUES('}`),
    tails: eachNeed((need) => (asSelect(need) ? ';' : ');')), columns,
  });
  for (const column of base) code.need(column, 0, 'needOfValue');
  code.line('out.raw(heads[need]);');
  insertValues(context, code);
  return code.compile('insertRow');
}

/** The columns that an INSERT names. */
export function insertNames({ base, columns, shape }: Context): string {
  return [...base.map((column) => columns[column.index]!.name), ...shape.fillers.map(({ name }) => quoteName(name))].join(',');
}

/** Their values, with commas between them. */
export function insertValues({ base, shape: { fillers } }: Context, code: RowCode): void {
  base.forEach((column, place) => {
    if (place > 0) code.line('out.byte(44);');
    code.line(code.value(column, 0));
  });
  if (fillers.length > 0) code.line(code.raw('fillers', fillers.map(({ value }, i) => (base.length + i > 0 ? ',' : '') + value).join('')));
}

function compileUpdate(context: Context): WriteRow {
  const { shape, options, columns, base, table, sparse } = context;
  const before = 0;
  const after = 2 * shape.columns.length;
  const full = options.update === 'full';
  const code = new RowCode({ heads: heads(context, 'UPDATE', `${table} SET `), tails: tails(context), columns });
  declareChanges(context, code);
  code.line(`if (!(${base.map((column) => `changed_${column.index}`).join(' || ')})) return false;`);
  const terms = updateConditions(context);
  for (const column of base) code.need(column, before, 'needOfValue', full ? '' : `changed_${column.index} && `);
  conditionNeeds(code, terms, after);
  const soft = new Set(base.filter((column) => isSoft(context, column)));
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
