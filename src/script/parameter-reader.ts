import { GtidSet } from '../binlog/gtid-set.ts';
import { UndoError } from '../core/errors.ts';
import { parsePosition, type Position } from '../core/position.ts';
import { readTime, type ReadTime } from './datetime.ts';
import { FIND_PARAMETERS, SCRIPT_PARAMETERS, SELECTION_PARAMETERS, type ParameterInfo, type ParameterName, type RawParameters } from './parameters.ts';
import type { TableName } from './selection.ts';

/** How the caller names parameters and which times it takes. */
export interface Dialect {
  readonly zone: 'explicit' | 'local';
  /** `start_position`, or `--start-position`. */
  readonly nameOf: (parameter: ParameterName) => string;
}

export const HTTP_DIALECT: Dialect = { zone: 'explicit', nameOf: (parameter) => parameter };
export const CLI_DIALECT: Dialect = { zone: 'local', nameOf: (parameter) => `--${parameter.replaceAll('_', '-')}` };

const INFO: Readonly<Record<ParameterName, ParameterInfo>> = { ...SELECTION_PARAMETERS, ...SCRIPT_PARAMETERS, ...FIND_PARAMETERS };
const MAX_LIST = 1000;
const MAX_TEXT = 100_000;

/** Reads single parameters and says by the caller's own names what is wrong with them. */
export class ParameterReader {
  readonly #raw: RawParameters;
  readonly #dialect: Dialect;

  constructor(raw: RawParameters, dialect: Dialect) {
    this.#raw = raw;
    this.#dialect = dialect;
  }

  list(parameter: ParameterName): string[] {
    const given = this.#raw[parameter];
    const list = given === undefined ? [] : typeof given === 'string' ? [given] : [...given];
    if (list.length > MAX_LIST) throw this.refuse(parameter, `is given ${list.length} times`, `Give at most ${MAX_LIST}.`);
    const { values } = INFO[parameter];
    return list.map((value) => {
      if (value === '') throw this.refuse(parameter, 'is empty', 'Give a value or leave it out.');
      if (value.length > MAX_TEXT) throw this.refuse(parameter, 'is too long', `Give at most ${MAX_TEXT} characters.`);
      if (values === undefined) return value;
      const known = values.find((allowed) => allowed.toLowerCase() === value.toLowerCase());
      if (known === undefined) throw this.refuse(parameter, `is ${show(value)}`, `Give ${values.join(' or ')}.`);
      return known;
    });
  }

  text(parameter: ParameterName): string | null {
    const list = this.list(parameter);
    if (list.length > 1) throw this.refuse(parameter, `is given ${list.length} times`, 'Give it once.');
    return list[0] ?? null;
  }

  integer(parameter: ParameterName, low: number, high: number): number | null {
    const value = this.text(parameter);
    return value === null ? null : this.#number(parameter, value, low, high);
  }

  integers(parameter: ParameterName, low: number, high: number): number[] {
    return this.list(parameter).map((value) => this.#number(parameter, value, low, high));
  }

  boolean(parameter: ParameterName): boolean | null {
    const value = this.text(parameter);
    if (value === null) return null;
    if (/^(true|1|yes|on)$/i.test(value)) return true;
    if (/^(false|0|no|off)$/i.test(value)) return false;
    throw this.refuse(parameter, `is ${show(value)}`, 'Give true or false.');
  }

  position(parameter: ParameterName): Position | null {
    const value = this.text(parameter);
    return value === null ? null : parsePosition(value);
  }

  time(parameter: ParameterName): ReadTime | null {
    const value = this.text(parameter);
    return value === null ? null : readTime(value, this.#dialect.zone);
  }

  /** Names alone belong to the one database that is given beside them. */
  tables(parameter: ParameterName, databases: readonly string[]): TableName[] {
    return this.list(parameter).map((value) => {
      const name = readTableName(value);
      if (name === null) throw this.refuse(parameter, `is ${show(value)}`, 'Give database.table, with backquotes around a part that holds a dot.');
      if (name.schema !== null) return { schema: name.schema, table: name.table };
      const [database] = databases;
      if (database === undefined || databases.length > 1) {
        throw this.refuse(parameter, `is ${show(value)} without its database`, `Give database.table, or one ${this.#dialect.nameOf('database')}.`);
      }
      return { schema: database, table: name.table };
    });
  }

  table(parameter: ParameterName): TableName | null {
    const [name, ...more] = this.tables(parameter, []);
    if (more.length > 0) throw this.refuse(parameter, `is given ${more.length + 1} times`, 'Give it once.');
    return name ?? null;
  }

  refuse(parameter: ParameterName, what: string, fix: string): UndoError {
    return new UndoError('USAGE', `${this.#dialect.nameOf(parameter)} ${what}.`, { fix });
  }

  #number(parameter: ParameterName, value: string, low: number, high: number): number {
    const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= low && number <= high)) throw this.refuse(parameter, `is ${show(value)}`, `Give a whole number from ${low} to ${high}.`);
    return number;
  }
}

const show = (value: string): string => JSON.stringify(value.slice(0, 100));

const NAME = /^(?:(?:`((?:[^`]|``)+)`|([^`.]+))\.)?(?:`((?:[^`]|``)+)`|([^`.]+))$/;

function readTableName(text: string): { schema: string | null; table: string } | null {
  const match = NAME.exec(text);
  if (!match) return null;
  const [, quotedSchema, plainSchema, quotedTable, plainTable] = match;
  return { schema: plainSchema ?? quotedSchema?.replaceAll('``', '`') ?? null, table: plainTable ?? quotedTable!.replaceAll('``', '`') };
}

const MARIADB_GTIDS = /^\s*\d{1,10}-\d{1,10}-\d{1,20}(?:\s*,\s*\d{1,10}-\d{1,10}-\d{1,20})*\s*$/;

/** One line, checked; which form is right is known with the source's flavour. */
export function gtids(reader: ParameterReader, parameter: ParameterName): string | null {
  const value = reader.text(parameter);
  if (value === null) return null;
  if (MARIADB_GTIDS.test(value)) return value.replace(/\s+/g, '');
  return GtidSet.parse(value).toString();
}
