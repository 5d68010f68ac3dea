import { UndoError } from '../core/errors.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Selection, TableName } from './selection.ts';

/** A condition over the aliases `t` (transactions) and `o` (operations), with its parameters in order. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

export function and(...conditions: readonly Condition[]): Condition {
  return { sql: conditions.map(({ sql }) => sql).join(' AND '), parameters: conditions.flatMap(({ parameters }) => parameters) };
}

export function or(conditions: readonly Condition[]): Condition {
  return { sql: `(${conditions.map(({ sql }) => sql).join(' OR ')})`, parameters: conditions.flatMap(({ parameters }) => parameters) };
}

export function not({ sql, parameters }: Condition): Condition {
  return { sql: `NOT (${sql})`, parameters };
}

function among(column: string, values: readonly (string | number)[]): Condition {
  return { sql: `${column} IN (${values.map(() => '?').join(', ')})`, parameters: values };
}

const isTable = ({ schema, table }: TableName): Condition => ({ sql: '(o.schema_name = ? AND o.table_name = ?)', parameters: [schema, table] });

/** Not these tables; empty for none. */
export function besides(tables: readonly TableName[]): Condition[] {
  return tables.length > 0 ? [not(or(tables.map(isTable)))] : [];
}

/** Only these tables, one at least. */
export function onlyTables(tables: readonly TableName[]): Condition {
  return or(tables.map(isTable));
}

/** Ordinals with `from <= ordinal < to` of one source. */
export function ordinals(sourceId: number, from: number, to: number): Condition {
  return { sql: 'o.source_id = ? AND o.ordinal >= ? AND o.ordinal < ?', parameters: [sourceId, from, to] };
}

/** These transactions of one source. */
export function ofOrdinals(sourceId: number, list: readonly number[]): Condition {
  return and({ sql: 'o.source_id = ?', parameters: [sourceId] }, among('o.ordinal', list));
}

/** Which tables are meant. */
export function tableScope(selection: Selection): Condition[] {
  const { databases, tables, excludeDatabases, excludeTables } = selection;
  const conditions: Condition[] = [];
  // A table named with its database narrows that database; other databases given beside it stay whole.
  const whole = databases.filter((database) => !tables.some(({ schema }) => schema === database));
  const included = [...(whole.length > 0 ? [among('o.schema_name', whole)] : []), ...tables.map(isTable)];
  if (included.length > 0) conditions.push(or(included));
  if (excludeDatabases.length > 0) conditions.push(not(among('o.schema_name', excludeDatabases)));
  if (excludeTables.length > 0) conditions.push(not(or(excludeTables.map(isTable))));
  return conditions;
}

/** The same for one table in JavaScript; `table` empty stands for all of its schema, `schema` null for everything. */
export function inTableScope(selection: Selection, schema: string | null, table: string): boolean {
  if (schema === null) return true;
  const { databases, tables, excludeDatabases, excludeTables } = selection;
  if (excludeDatabases.includes(schema)) return false;
  if (table !== '' && excludeTables.some((name) => name.schema === schema && name.table === table)) return false;
  if (databases.length === 0 && tables.length === 0) return true;
  const named = tables.filter((name) => name.schema === schema);
  if (named.length > 0) return table === '' || named.some((name) => name.table === table);
  return databases.includes(schema);
}

/** Which sessions, transactions and operations are meant, tables aside. */
export function actorScope(selection: Selection, flavour: 'mysql' | 'mariadb', ledger: Ledger): Condition[] {
  const { threadIds, user, minRows, scripts, includeGtids, excludeGtids, opids, types } = selection;
  const conditions: Condition[] = [];
  if (threadIds.length > 0) conditions.push(among('t.thread_id', threadIds));
  if (user !== null) conditions.push({ sql: `${observedUser(ledger)} = ?`, parameters: [user] });
  if (minRows > 0) conditions.push({ sql: 'o.inserted + o.updated + o.deleted >= ?', parameters: [minRows] });
  if (includeGtids !== null) conditions.push(gtidCondition(includeGtids, flavour));
  if (scripts.length > 0) conditions.push(among('t.script_id', scripts));
  // A transaction without a GTID is in no set.
  if (excludeGtids !== null) conditions.push({ ...not(gtidCondition(excludeGtids, flavour)), sql: `(t.gtid IS NULL OR NOT ${gtidCondition(excludeGtids, flavour).sql})` });
  if (opids.length > 0) conditions.push(among('o.opid', opids));
  if (types.length > 0) conditions.push(among('o.type', types));
  return conditions;
}

/** The user of a session as it was last seen by then, as SQL; NULL for one that was not. */
export function observedUser(ledger: Ledger): string {
  return `(SELECT h.user FROM ${ledger.table('threads')} h WHERE h.source_id = o.source_id AND h.thread_id = t.thread_id AND h.since_ordinal <= o.ordinal ORDER BY h.since_ordinal DESC LIMIT 1)`;
}

const MAX_INTERVALS = 10_000;

/** @param set canonical text: GtidSet's, or a list of MariaDB GTIDs. */
function gtidCondition(set: string, flavour: 'mysql' | 'mariadb'): Condition {
  const members = set.split(',');
  const maria = /^\d+-\d+-\d+$/.test(members[0]!);
  if (maria !== (flavour === 'mariadb')) {
    throw new UndoError('USAGE', `"${set.slice(0, 100)}" is not a GTID ${flavour === 'mariadb' ? 'of MariaDB' : 'set of MySQL'}, but the source is one.`, {
      fix: flavour === 'mariadb' ? 'Give GTIDs as domain-server-sequence, with commas between them.' : 'Give a set as uuid:1-5:7.',
    });
  }
  if (maria) return among('t.gtid', members);
  const singles: string[] = [];
  const spans: Condition[] = [];
  for (const member of members) {
    const [uuid, ...items] = member.split(':');
    let origin = uuid!;
    for (const item of items) {
      const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(item) ?? [];
      if (first === undefined) origin = `${uuid!}:${item}`;
      else if (last === undefined) singles.push(`${origin}:${first}`);
      else {
        spans.push({
          sql: "(LEFT(t.gtid, ?) = ? AND SUBSTRING(t.gtid, ?) REGEXP '^[0-9]+$' AND CAST(SUBSTRING(t.gtid, ?) AS UNSIGNED) BETWEEN ? AND ?)",
          parameters: [origin.length + 1, `${origin}:`, origin.length + 2, origin.length + 2, first, last],
        });
      }
    }
  }
  if (singles.length + spans.length > MAX_INTERVALS) throw new UndoError('USAGE', `A GTID set of ${singles.length + spans.length} intervals is too long.`);
  const parts = [...(singles.length > 0 ? [among('t.gtid', singles)] : []), ...spans];
  return parts.length === 0 ? { sql: '(1 = 0)', parameters: [] } : or(parts);
}
