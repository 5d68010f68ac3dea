import { GtidSet } from '../binlog/gtid-set.ts';
import { UndoError } from '../core/errors.ts';
import { parsePosition, type Position } from '../core/position.ts';
import { readTime, type ReadTime } from './datetime.ts';
import { ALLOWANCES, SCRIPT_PARAMETERS, SELECTION_PARAMETERS, FIND_PARAMETERS, type Allowance, type ConflictMode, type ParameterInfo, type ParameterName, type RawParameters } from './parameters.ts';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Which operations of one source's log are meant. Empty lists do not restrict; exclusion wins. */
export interface Selection {
  /** Null: the only source of the ledger. */
  readonly source: string | null;
  readonly startPosition: Position | null;
  readonly stopPosition: Position | null;
  /** Which life of the source's binlog the positions mean, 1 for the first; null: not said. */
  readonly incarnation: number | null;
  readonly startTime: ReadTime | null;
  readonly stopTime: ReadTime | null;
  readonly includeGtids: string | null;
  readonly excludeGtids: string | null;
  readonly opids: readonly string[];
  /** Runs of these scripts of ours. */
  readonly scripts: readonly string[];
  readonly threadIds: readonly number[];
  /** Of sessions that were observed; null: any. */
  readonly user: string | null;
  /** Of an operation; 0: any number. */
  readonly minRows: number;
  readonly databases: readonly string[];
  readonly tables: readonly TableName[];
  readonly excludeDatabases: readonly string[];
  readonly excludeTables: readonly TableName[];
  readonly types: readonly string[];
}

export interface ScriptOptions {
  readonly mode: ConflictMode;
  /** What is made: the script, or the look at what it would find. */
  readonly format: 'script' | 'check';
  readonly guard: 'changed' | 'row' | 'none';
  readonly update: 'changed' | 'full';
  /** Whether rows may share statements. */
  readonly form: 'multi' | 'single';
  readonly target: 'source' | 'any';
  /** How rows of tables with triggers are put back: by statements, or by row events, which fire none. */
  readonly triggers: 'fire' | 'skip';
  readonly allow: ReadonlySet<Allowance>;
  /** How much one transaction of the script undoes. */
  readonly parts: 'whole' | 'transaction' | { readonly rows: number };
  /** The first part that is wanted, 1 for all. */
  readonly fromPart: number;
  /** Where the script notes that it was applied; null: nowhere. */
  readonly onceTable: TableName | null;
  /** Seconds; null: not given. */
  readonly wait: number | null;
  readonly failIfEmpty: boolean;
}

export interface FindOptions {
  readonly text: string | null;
  /** Operations that are looked at for the text; null: not said. */
  readonly look: number | null;
  readonly limit: number;
  readonly before: string | null;
}

/** How many operations a search by text looks at when nothing else ends it. */
export const TEXT_LOOK = 200_000;

export interface HistoryQuery {
  /** Null: all sources. */
  readonly source: string | null;
  readonly limit: number;
  /** Only what was asked for before this script or plan. */
  readonly before: string | null;
}

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
class Reader {
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
function gtids(reader: Reader, parameter: ParameterName): string | null {
  const value = reader.text(parameter);
  if (value === null) return null;
  if (MARIADB_GTIDS.test(value)) return value.replace(/\s+/g, '');
  return GtidSet.parse(value).toString();
}

/** @throws UndoError USAGE, POSITION_INVALID, DATETIME_INVALID, RANGE_INVERTED: what the parameters alone can tell. */
export function readSelection(raw: RawParameters, dialect: Dialect): Selection {
  const reader = new Reader(raw, dialect);
  const databases = reader.list('database');
  const selection: Selection = {
    source: reader.text('source'),
    startPosition: reader.position('start_position'),
    stopPosition: reader.position('stop_position'),
    incarnation: reader.integer('incarnation', 1, 1_000_000),
    startTime: reader.time('start_datetime'),
    stopTime: reader.time('stop_datetime'),
    includeGtids: gtids(reader, 'include_gtids'),
    excludeGtids: gtids(reader, 'exclude_gtids'),
    opids: reader.list('opid'),
    scripts: reader.list('script'),
    threadIds: reader.integers('thread_id', 1, Number.MAX_SAFE_INTEGER),
    user: reader.text('user'),
    minRows: reader.integer('min_rows', 0, Number.MAX_SAFE_INTEGER) ?? 0,
    databases,
    tables: reader.tables('table', databases),
    excludeDatabases: reader.list('exclude_database'),
    excludeTables: reader.tables('exclude_table', databases),
    types: reader.list('type'),
  };
  if (selection.startTime && selection.stopTime && selection.stopTime.micros < selection.startTime.micros) {
    throw new UndoError('RANGE_INVERTED', `${dialect.nameOf('stop_datetime')} lies before ${dialect.nameOf('start_datetime')}.`);
  }
  return selection;
}

/** @throws UndoError USAGE */
export function readScriptOptions(raw: RawParameters, dialect: Dialect): ScriptOptions {
  const reader = new Reader(raw, dialect);
  const mode = (reader.text('mode') ?? 'nocascade') as ConflictMode;
  const atomic = reader.boolean('atomic');
  const chunk = reader.integer('chunk_rows', 1, 1_000_000_000);
  if (atomic === true && chunk !== null) throw reader.refuse('chunk_rows', 'is given beside an atomic script', 'Leave one of them out.');
  const parts = chunk !== null ? { rows: chunk } : atomic === false ? 'transaction' : 'whole';
  const fromPart = reader.integer('from_part', 1, Number.MAX_SAFE_INTEGER) ?? 1;
  if (fromPart > 1 && parts === 'whole') throw reader.refuse('from_part', `is ${fromPart}, but the script is made as a whole`, `Give ${dialect.nameOf('atomic')} as false, or ${dialect.nameOf('chunk_rows')}, as for the script that stopped.`);
  if (fromPart > 1 && (mode === 'cascade' || mode === 'nonconflict-only')) {
    throw reader.refuse('from_part', `is given beside mode ${mode}`, 'What the parts before it changed would be taken for conflicts: make a new script of the whole selection instead.');
  }
  const allow = reader.list('allow');
  return {
    mode,
    format: reader.text('format') === 'check' ? 'check' : 'script',
    guard: (reader.text('guard') ?? 'changed') as ScriptOptions['guard'],
    update: reader.text('update') === 'full' ? 'full' : 'changed',
    form: reader.text('form') === 'single' ? 'single' : 'multi',
    target: reader.text('target') === 'any' ? 'any' : 'source',
    triggers: reader.text('triggers') === 'skip' ? 'skip' : 'fire',
    allow: new Set(ALLOWANCES.filter((reason) => allow.includes(reason))),
    parts, fromPart,
    onceTable: reader.table('once_table'),
    wait: reader.integer('wait', 0, 86_400),
    failIfEmpty: reader.boolean('fail_if_empty') ?? false,
  };
}

/** @throws UndoError USAGE */
export function readFindOptions(raw: RawParameters, dialect: Dialect): FindOptions {
  const reader = new Reader(raw, dialect);
  const [text, look] = [reader.text('text'), reader.integer('look', 1, 1_000_000_000)];
  if (look !== null && text === null) throw reader.refuse('look', 'is given without a text to look for', `Give ${dialect.nameOf('text')} as well, or leave it out.`);
  return {
    text, look,
    limit: reader.integer('limit', 1, 1000) ?? 20,
    before: reader.text('before'),
  };
}

/** @throws UndoError USAGE */
export function readHistoryQuery(raw: RawParameters, dialect: Dialect): HistoryQuery {
  const reader = new Reader(raw, dialect);
  return { source: reader.text('source'), limit: reader.integer('limit', 1, 1000) ?? 20, before: reader.text('before') };
}

/** Without any of these a script would undo all that the log holds. */
export function requireLimits(selection: Selection, dialect: Dialect): void {
  const limited = selection.startPosition ?? selection.startTime ?? selection.includeGtids ?? selection.user;
  if (limited !== null || [selection.opids, selection.scripts, selection.threadIds, selection.tables, selection.databases].some((list) => list.length > 0)) return;
  const names = (['start_position', 'start_datetime', 'include_gtids', 'opid', 'script', 'thread_id', 'user', 'database', 'table'] as const).map((name) => dialect.nameOf(name));
  throw new UndoError('USAGE', 'Nothing says what to undo: the whole log would be.', { fix: `Give at least one of ${names.join(', ')}.` });
}

/** A name that reads back as the same table: parts with a dot or a backquote in backquotes. */
export function formatTable({ schema, table }: TableName): string {
  const part = (name: string): string => (/[.`]/.test(name) ? `\`${name.replaceAll('`', '``')}\`` : name);
  return `${part(schema)}.${part(table)}`;
}
