import type { TableName } from '../../binlog/sql/classify.ts';
import type { DdlStates } from '../../schema/ddl-states.ts';
import { reachOf } from '../../schema/ddl-event.ts';
import type { TableDefinition } from '../../schema/definition.ts';
import type { ReadDdl } from '../../rollback/ddl/read-ddl.ts';
import { renamesWith } from '../../rollback/ddl/rename-undo.ts';
import { sameTable } from './records.ts';

/** What a name stands for at some moment; null: there is no such table. */
export interface Expectation extends TableName {
  readonly definition: TableDefinition | null;
}

/** The names that one undo is about, before and after the statement that it undoes. */
export interface Around {
  readonly before: readonly Expectation[];
  readonly after: readonly Expectation[];
}

/** @param name the table with which the undo stands. @returns null where a definition is not known. */
export function around({ statement }: ReadDdl, name: TableName, states: DdlStates, schema: string): Around | null {
  const { verb, object, renames, tables, database } = statement;
  const names = verb === 'DROP' && (object === 'TABLE' || database !== null) ? [name]
    : verb === 'RENAME' ? renamesWith(renames, name).flatMap(({ from, to }) => [from, to])
      : verb === 'CREATE' && object === 'TABLE' ? [name] : tables;
  const reach = reachOf(statement, schema);
  const left = reach.kind === 'tables' ? reach.left : [];
  const distinct = names.filter((one, i) => names.findIndex((other) => sameTable(one, other)) === i);
  const before: Expectation[] = [];
  const after: Expectation[] = [];
  for (const { schema: database, table } of distinct) {
    const one = { schema: database, table };
    const stays = left.some((other) => sameTable(one, other));
    const then = stays ? states.after(one) : null;
    // A name that the statement itself gives was free before.
    const known = states.before(one);
    const was = known === undefined && (verb === 'CREATE' || renames.some(({ to }) => sameTable(to, one))) ? null : known;
    if (then === undefined || was === undefined || (stays && then === null)) return null;
    before.push({ ...one, definition: was });
    after.push({ ...one, definition: then });
  }
  return { before, after };
}
