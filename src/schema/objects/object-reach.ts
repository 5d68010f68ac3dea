import { SqlReader } from '../../binlog/sql/reader.ts';
import type { DdlStatement } from '../../binlog/sql/classify.ts';
import type { SqlDialect } from '../../binlog/sql/tokenizer.ts';
import type { DdlEvent } from '../ddl-event.ts';
import type { ObjectKind, ObjectName } from './object.ts';

/** What a statement does to objects that hold no rows. */
export type ObjectReach =
  | { readonly kind: 'nothing' }
  /** Any object of the schema; `gone`: all of them, with the schema. */
  | { readonly kind: 'schema'; readonly schema: string; readonly gone: boolean }
  | {
      readonly kind: 'objects';
      /** Made, altered or replaced. */
      readonly made: readonly ObjectName[];
      readonly gone: readonly ObjectName[];
      /** What becomes of `from` goes on as `to`, if it was there. */
      readonly moved: readonly { readonly from: ObjectName; readonly to: ObjectName }[];
      /** DROP TRIGGER does not tell its table. */
      readonly trigger: { readonly schema: string; readonly name: string } | null;
    };

type Objects = Extract<ObjectReach, { readonly kind: 'objects' }>;

const NOTHING: Objects = { kind: 'objects', made: [], gone: [], moved: [], trigger: null };
const BY_NAME = new Set(['PROCEDURE', 'FUNCTION', 'EVENT']);

export function objectReachOf({ statement, schema, replayable }: DdlEvent, flavour: SqlDialect['flavour']): ObjectReach {
  if (!statement.certain) return { kind: 'schema', schema: statement.database ?? schema, gone: false };
  const { verb, object, database, tables, name, renames } = statement;
  if (database !== null) {
    if (verb === 'DROP') return { kind: 'schema', schema: database, gone: true };
    return { ...NOTHING, made: [{ schema: database, kind: 'DATABASE', name: '' }] };
  }
  if (object === 'TRIGGER') {
    if (verb === 'DROP') return name === null ? { kind: 'nothing' } : { ...NOTHING, trigger: { schema: name.schema, name: name.table } };
    return { ...NOTHING, made: tables.map((table) => ({ schema: table.schema, kind: 'TRIGGERS', name: table.table })) };
  }
  if (BY_NAME.has(object)) {
    if (name === null) return { kind: 'nothing' };
    const one: ObjectName = { schema: name.schema, kind: object as ObjectKind, name: name.table };
    if (verb === 'DROP') return { ...NOTHING, gone: [one] };
    const to = object === 'EVENT' && verb === 'ALTER' && replayable ? eventRenamedTo(replayable.sql, { sqlMode: replayable.session.sqlMode, flavour }, schema) : null;
    return to === null ? { ...NOTHING, made: [one] } : { ...NOTHING, moved: [{ from: one, to }] };
  }
  if (object === 'VIEW' || object === 'SEQUENCE') {
    const names = tables.map((table): ObjectName => ({ schema: table.schema, kind: object, name: table.table }));
    return verb === 'DROP' ? { ...NOTHING, gone: names } : { ...NOTHING, made: names };
  }
  return object === 'TABLE' ? ofTables(statement, renames) : { kind: 'nothing' };
}

/** Triggers go and move with their table; views and sequences are renamed like tables, and DROP TABLE takes sequences. */
function ofTables({ verb, tables, orReplace }: DdlStatement, renames: DdlStatement['renames']): ObjectReach {
  const kinds: ObjectKind[] = ['TRIGGERS', 'SEQUENCE', 'VIEW'];
  if (renames.length > 0) {
    return { ...NOTHING, moved: renames.flatMap(({ from, to }) => kinds.map((kind) => ({ from: { schema: from.schema, kind, name: from.table }, to: { schema: to.schema, kind, name: to.table } }))) };
  }
  if (verb === 'DROP' || (verb === 'CREATE' && orReplace)) {
    return { ...NOTHING, gone: tables.flatMap(({ schema, table }) => kinds.slice(0, 2).map((kind) => ({ schema, kind, name: table }))) };
  }
  return { kind: 'nothing' };
}

/** The new name that an ALTER EVENT gives; null: none. */
export function eventRenamedTo(sql: string, dialect: SqlDialect, schema: string): ObjectName | null {
  const reader = new SqlReader(sql, { ...dialect, schema });
  for (let depth = 0; !reader.atEnd(); ) {
    if (depth === 0 && reader.keyword() === 'DO') return null;
    if (depth === 0 && reader.acceptAll('RENAME', 'TO')) {
      const to = reader.tableName();
      return to && { schema: to.schema, kind: 'EVENT', name: to.table };
    }
    const token = reader.next();
    if (token.kind === 'punct') depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
  }
  return null;
}
