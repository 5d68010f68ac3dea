import { UndoError } from '../core/errors.ts';
import { gtids, ParameterReader, type Dialect } from './parameter-reader.ts';
import { ALLOWANCES, type ConflictMode, type RawParameters } from './parameters.ts';
import type { FindOptions, HistoryQuery, ScriptOptions, Selection } from './selection.ts';

/** @throws UndoError USAGE, POSITION_INVALID, DATETIME_INVALID, RANGE_INVERTED: what the parameters alone can tell. */
export function readSelection(raw: RawParameters, dialect: Dialect): Selection {
  const reader = new ParameterReader(raw, dialect);
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
  const reader = new ParameterReader(raw, dialect);
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
  const reader = new ParameterReader(raw, dialect);
  return {
    text: reader.text('text'),
    look: reader.integer('look', 1, 1_000_000_000),
    limit: reader.integer('limit', 1, 1000) ?? 20,
    before: reader.text('before'),
  };
}

/** @throws UndoError USAGE */
export function readHistoryQuery(raw: RawParameters, dialect: Dialect): HistoryQuery {
  const reader = new ParameterReader(raw, dialect);
  return { source: reader.text('source'), limit: reader.integer('limit', 1, 1000) ?? 20, before: reader.text('before') };
}

/** Without any of these a script would undo all that the log holds. */
export function requireLimits(selection: Selection, dialect: Dialect): void {
  const limited = selection.startPosition ?? selection.startTime ?? selection.includeGtids ?? selection.user;
  if (limited !== null || [selection.opids, selection.scripts, selection.threadIds, selection.tables, selection.databases].some((list) => list.length > 0)) return;
  const names = (['start_position', 'start_datetime', 'include_gtids', 'opid', 'script', 'thread_id', 'user', 'database', 'table'] as const).map((name) => dialect.nameOf(name));
  throw new UndoError('USAGE', 'Nothing says what to undo: the whole log would be.', { fix: `Give at least one of ${names.join(', ')}.` });
}
