import type { DdlStatement, TableName } from '../../binlog/sql/classify.ts';
import { quoteName, quoteTable } from '../../core/identifiers.ts';
import type { DdlStates } from '../../schema/ddl-states.ts';
import type { ColumnRenames } from '../carry-over.ts';
import { alterBack } from './alter-back.ts';
import { createAgain } from './create-again.ts';
import { columnLoss } from './column-loss.ts';
import { renameUndo } from './rename-undo.ts';

export interface DdlToUndo {
  readonly statement: DdlStatement;
  readonly renames: ColumnRenames;
  readonly flavour: 'mysql' | 'mariadb';
  readonly states: DdlStates;
}

export type DdlVerdict =
  /** In order, each with its semicolon; `loss`: what the statement took away and its undo does not bring back. */
  | { readonly kind: 'undo'; readonly statements: readonly string[]; readonly loss: string | null }
  | { readonly kind: 'refused'; readonly state: 'definition-unknown' | 'not-undoable'; readonly why: string }
  /** It changed nothing. */
  | { readonly kind: 'no-effect' }
  /** The undo stands with another table of the same statement. */
  | { readonly kind: 'elsewhere' };

const unknown = (why: string): DdlVerdict => ({ kind: 'refused', state: 'definition-unknown', why });
const notUndoable = (why: string): DdlVerdict => ({ kind: 'refused', state: 'not-undoable', why });
const undo = (sql: string | readonly string[], loss: string | null = null): DdlVerdict => ({ kind: 'undo', statements: [sql].flat().map((statement) => `${statement};`), loss });
const same = (a: TableName, b: TableName | undefined): boolean => a.schema === b?.schema && a.table === b.table;

/** What undoes a statement's effect on one table (or database, its table empty) that the statement names. */
export function undoDdl(ddl: DdlToUndo, name: TableName): DdlVerdict {
  const { statement } = ddl;
  if (!statement.certain) return notUndoable('its text was not fully understood');
  if (statement.object === 'DATABASE') return databaseUndo(statement);
  if (statement.renames.length > 0 && statement.verb === 'RENAME') return renaming(ddl, name);
  if (statement.verb === 'DROP' && statement.object === 'TABLE') return dropUndo(ddl, name);
  const carrier = statement.renames[0]?.to ?? statement.tables[0];
  if (carrier && !same(name, carrier)) return { kind: 'elsewhere' };
  if (statement.object === 'INDEX' || (statement.object === 'TABLE' && statement.verb === 'ALTER')) return alterUndo(ddl, statement.tables[0]!, name);
  if (statement.verb === 'TRUNCATE') return notUndoable('it removed rows that are not in the binlog');
  if (statement.object === 'TABLE' && statement.verb === 'CREATE') return createUndo(ddl, name);
  return objectUndo(statement);
}

function databaseUndo({ verb, database, ifNotExists }: DdlStatement): DdlVerdict {
  if (verb === 'CREATE') return ifNotExists ? unknown('whether the database was there already is not known') : undo(`DROP DATABASE ${quoteName(database ?? '')}`);
  return notUndoable(verb === 'DROP' ? 'it removed tables with rows that are not in the binlog' : "the database's earlier defaults are not kept");
}

function renaming({ statement, states }: DdlToUndo, name: TableName): DdlVerdict {
  if (statement.ifExists && statement.renames.some(({ from }) => !states.before(from))) return unknown('which of its tables were there is not known');
  const sql = renameUndo(statement.renames, name);
  return sql === null ? { kind: 'elsewhere' } : undo(sql);
}

function dropUndo({ statement, states, flavour }: DdlToUndo, name: TableName): DdlVerdict {
  const before = states.before(name);
  if (before === null) return { kind: 'no-effect' };
  if (before === undefined || before.sql === '') return unknown('the definition before it is not known');
  const again = createAgain(before, flavour);
  if (again === null) return notUndoable(`it was no table, and what it was is not kept`);
  const triggers = before.triggers.length === 0 ? '' : `, and its triggers (${before.triggers.join(', ')})`;
  return undo(again, `${statement.ifExists ? 'any ' : ''}rows that it held${triggers}`);
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

/** Views, triggers, routines, events, sequences: what was made can be dropped; what was there before is not kept. */
function objectUndo({ verb, object, tables, name, ifNotExists, orReplace }: DdlStatement): DdlVerdict {
  const what = object.toLowerCase();
  if (verb !== 'CREATE') return notUndoable(`the ${what}'s earlier definition is not kept`);
  if (ifNotExists || orReplace) return unknown(`whether the ${what} was there already is not known`);
  const made = object === 'VIEW' || object === 'SEQUENCE' ? tables[0] : name;
  if (!made || made.schema === '') return unknown('its name was not understood');
  return undo(`DROP ${object} ${quoteTable(made.schema, made.table)}`);
}
