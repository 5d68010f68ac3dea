import type { TableName } from '../../binlog/sql/classify.ts';
import { quoteName, quoteTable } from '../../core/identifiers.ts';
import type { DdlStates } from '../../schema/ddl-states.ts';
import type { ColumnRenames } from '../carry-over.ts';
import { alterBack } from './alter-back.ts';
import { createAgain } from './create-again.ts';
import { columnLoss } from './column-loss.ts';
import { effectiveRenames, renameUndo } from './rename-undo.ts';
import { databaseAgain, databaseOptionsBack, triggersAgain, undoObject, type ObjectDdl } from './undo-object.ts';
import { notUndoable, undo, unknown, type DdlVerdict } from './verdict.ts';

export type { DdlVerdict } from './verdict.ts';

export interface DdlToUndo extends ObjectDdl {
  readonly renames: ColumnRenames;
  readonly states: DdlStates;
}

/** What DROP TABLE takes away for good. */
export const ROWS_OF_A_TABLE = 'rows that it held';

/** Without rows of their own: each name of a statement is undone by itself. */
const OBJECTS = new Set(['VIEW', 'SEQUENCE', 'TRIGGER', 'PROCEDURE', 'FUNCTION', 'EVENT', 'PACKAGE']);
/** What RENAME TABLE takes beside tables. */
const RENAMED_AS_TABLES = ['VIEW', 'SEQUENCE'] as const;
const same = (a: TableName, b: TableName | undefined): boolean => a.schema === b?.schema && a.table === b.table;

/** What undoes a statement's effect on one table (or database, its table empty) that the statement names. */
export function undoDdl(ddl: DdlToUndo, name: TableName): DdlVerdict {
  const { statement } = ddl;
  if (!statement.certain) return notUndoable('its text was not fully understood');
  if (statement.object === 'DATABASE') return name.table === '' ? databaseUndo(ddl) : withDatabase(ddl, name);
  if (statement.renames.length > 0 && statement.verb === 'RENAME') return renaming(ddl, name);
  if (statement.verb === 'DROP' && statement.object === 'TABLE') return dropUndo(ddl, name);
  if (OBJECTS.has(statement.object)) return undoObject(ddl, name.schema, name.table);
  const carrier = statement.renames[0]?.to ?? statement.tables[0];
  if (carrier && !same(name, carrier)) return { kind: 'elsewhere' };
  if (statement.object === 'INDEX' || (statement.object === 'TABLE' && statement.verb === 'ALTER')) return alterUndo(ddl, statement.tables[0]!, name);
  if (statement.verb === 'TRUNCATE') return notUndoable('it removed rows that are not in the binlog');
  if (statement.object === 'TABLE' && statement.verb === 'CREATE') return createUndo(ddl, name);
  return undoObject(ddl, name.schema, name.table);
}

function databaseUndo({ statement: { verb, database, ifNotExists, orReplace }, objects, flavour }: DdlToUndo): DdlVerdict {
  if (verb === 'ALTER') return databaseOptionsBack(database ?? '', objects, flavour);
  if (verb === 'CREATE') {
    if (orReplace) return notUndoable('whether it took a database away, and what was in that, is not kept');
    const before = ifNotExists ? objects.before({ schema: database ?? '', kind: 'DATABASE', name: '' }) : null;
    if (before === undefined) return unknown('whether the database was there already is not known');
    return before === null ? undo(`DROP DATABASE ${quoteName(database ?? '')}`) : { kind: 'no-effect' };
  }
  return databaseAgain(database ?? '', objects, flavour);
}

/** What a table or view was that went with its database. */
function withDatabase(ddl: DdlToUndo, name: TableName): DdlVerdict {
  const view = ddl.objects.before({ schema: name.schema, kind: 'VIEW', name: name.table });
  if (view) return undoObject({ ...ddl, statement: { ...ddl.statement, object: 'VIEW' } }, name.schema, name.table);
  return dropUndo({ ...ddl, statement: { ...ddl.statement, ifExists: false } }, name);
}

function renaming({ statement, states, objects }: DdlToUndo, name: TableName): DdlVerdict {
  const present = (of: TableName): boolean | undefined => {
    const found = [states.before(of), ...RENAMED_AS_TABLES.map((kind) => objects.before({ schema: of.schema, kind, name: of.table }))];
    return found.some((one) => one) || (found.includes(undefined) ? undefined : false);
  };
  const renames = statement.ifExists ? effectiveRenames(statement.renames, present) : statement.renames;
  if (renames === null) return unknown('which of its tables were there is not known');
  if (!renames.some(({ from, to }) => same(name, from) || same(name, to))) return { kind: 'no-effect' };
  const sql = renameUndo(renames, name);
  return sql === null ? { kind: 'elsewhere' } : undo(sql);
}

function dropUndo(ddl: DdlToUndo, name: TableName): DdlVerdict {
  const { statement, states, flavour, objects } = ddl;
  // MariaDB's sequences are dropped as tables too.
  if (objects.before({ schema: name.schema, kind: 'SEQUENCE', name: name.table })) return undoObject({ ...ddl, statement: { ...statement, object: 'SEQUENCE' } }, name.schema, name.table);
  const before = states.before(name);
  if (before === null) return { kind: 'no-effect' };
  if (before === undefined || before.sql === '') return unknown('the definition before it is not known');
  const again = createAgain(before, flavour);
  if (again === null) return notUndoable(`it was no table, and what it was is not kept`);
  const triggers = triggersAgain(name.schema, name.table, objects, flavour);
  const lost = (triggers ?? null) === null ? (before.triggers.length === 0 ? '' : `, and its triggers (${before.triggers.join(', ')})`) : '';
  return undo([again, ...triggers ?? []], `${statement.ifExists ? 'any ' : ''}${ROWS_OF_A_TABLE}${lost}`);
}

function createUndo({ statement, states, flavour }: DdlToUndo, name: TableName): DdlVerdict {
  const before = statement.ifNotExists || statement.orReplace ? states.before(name) : null;
  if (before === undefined) return unknown('whether the table was there already is not known');
  if (before === null) return undo(`DROP TABLE ${quoteTable(name.schema, name.table)}`);
  if (statement.ifNotExists) return { kind: 'no-effect' };
  const again = createAgain(before, flavour, 'CREATE OR REPLACE TABLE');
  return again === null ? notUndoable('it replaced what was no table') : undo(again, 'rows of the table that it replaced');
}

function alterUndo({ statement, states, renames, flavour }: DdlToUndo, from: TableName, to: TableName): DdlVerdict {
  const before = states.before(from);
  const after = states.after(to);
  if (!before || before.sql === '') return unknown('the definition before it is not known');
  if (!after || after.sql === '') return unknown('the definition after it is not known');
  const sql = alterBack({ ...to, sql: after.sql }, { ...from, sql: before.sql }, renames, flavour);
  const rows = statement.rowsOutsideLog ? 'rows of partitions or tablespaces that it emptied or exchanged' : null;
  if (sql.length === 0) return rows === null ? { kind: 'no-effect' } : notUndoable(`it took ${rows}`);
  const columns = columnLoss(before, after, renames);
  return undo(sql, [rows, columns].filter((part) => part !== null).join(', and ') || null);
}
