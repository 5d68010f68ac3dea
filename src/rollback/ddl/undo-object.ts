import type { DdlStatement, TableName } from '../../binlog/sql/classify.ts';
import { quoteName, quoteTable } from '../../core/identifiers.ts';
import type { ObjectDefinition, ObjectKind, ObjectName, ObjectText } from '../../schema/objects/object.ts';
import type { ObjectStates } from '../../schema/objects/object-states.ts';
import { eventBack, objectAgain, sequenceBack, triggerAgain, triggerPlace } from './object-text.ts';
import { noEffect, notUndoable, undo, unknown, type DdlVerdict, type UndoStatement } from './verdict.ts';

export interface ObjectDdl {
  readonly statement: DdlStatement;
  readonly flavour: 'mysql' | 'mariadb';
  readonly objects: ObjectStates;
  /** The new name that an ALTER EVENT gave. */
  readonly renamedTo: ObjectName | null;
  readonly comments: boolean;
}

const KINDS: Readonly<Record<string, ObjectKind>> = { VIEW: 'VIEW', PROCEDURE: 'PROCEDURE', FUNCTION: 'FUNCTION', EVENT: 'EVENT', SEQUENCE: 'SEQUENCE' };
const COUNTED = 'how far the sequence had counted';

/** What undoes DDL on a view, routine, trigger, event or sequence. @param schema and table of the operation: of views and sequences their own. */
export function undoObject(ddl: ObjectDdl, schema: string, table: string): DdlVerdict {
  const { statement, objects } = ddl;
  if (statement.object === 'TRIGGER') return undoTrigger(ddl, schema, table);
  const kind = KINDS[statement.object];
  // A package has two parts, of which either may have been there.
  if (kind === undefined) return notUndoable(`definitions of a ${statement.object.toLowerCase()} are not kept`);
  const name = kind === 'VIEW' || kind === 'SEQUENCE' ? { schema, table } : statement.name;
  if (!name || name.schema === '') return unknown('its name was not understood');
  const of: ObjectName = { schema: name.schema, kind, name: name.table };
  const known = statement.verb !== 'CREATE' || statement.orReplace || statement.ifNotExists ? objects.before(of) : null;
  const what = kind.toLowerCase();
  if (known === undefined) return unknown(statement.verb === 'CREATE' ? `whether the ${what} was there already, and what it was, is not known` : `what the ${what} was before is not known`);
  if (known === null) return statement.verb === 'CREATE' ? undo(`DROP ${kind} ${quoteTable(of.schema, of.name)}`) : noEffect;
  if (statement.ifNotExists) return noEffect;
  const [text] = known.texts;
  if (text && keepsComment(ddl, kind, text)) {
    const made = objectAgain(of, text, ddl.flavour);
    return made === null ? notUndoable(`what the ${what} was before is not understood`)
      : undo([`DROP ${kind} ${quoteTable(of.schema, of.name)}`, { sql: made, session: text.session }], `privileges that were granted on the ${what} itself`);
  }
  const again = text && back(ddl, of, text);
  if (!text || again === undefined || again === null) return notUndoable(`what the ${what} was before is not understood`);
  return undo([{ sql: again, session: text.session }], kind === 'SEQUENCE' ? COUNTED : null);
}

/** MySQL's ALTER takes an empty comment for none, so that one that was given cannot be taken away (seen on 9.7). */
function keepsComment({ statement, flavour, comments }: ObjectDdl, kind: ObjectKind, { characteristics }: ObjectText): boolean {
  return flavour === 'mysql' && statement.verb === 'ALTER' && comments && (kind === 'PROCEDURE' || kind === 'FUNCTION') && characteristics?.endsWith(" COMMENT ''") === true;
}

function back({ statement: { verb }, flavour, renamedTo }: ObjectDdl, of: ObjectName, text: ObjectText): string | null {
  if (verb === 'DROP') return objectAgain(of, text, flavour);
  if (verb === 'CREATE' || of.kind === 'VIEW') return objectAgain(of, text, flavour, 'CREATE OR REPLACE');
  if (of.kind === 'EVENT') return eventBack(of, text, renamedTo?.name ?? of.name, flavour);
  if (of.kind === 'SEQUENCE') return sequenceBack(of, text, flavour);
  return text.characteristics === null ? null : `ALTER ${of.kind} ${quoteTable(of.schema, of.name)} ${text.characteristics}`;
}

/** A trigger as it was before a statement on it, among those of its table. */
export interface TriggerBefore {
  readonly table: string;
  readonly group: ObjectDefinition;
  readonly text: ObjectText;
}

/** @param name schema and table of the operation; DROP TRIGGER does not tell the table. @returns null: there was none of that name; undefined: that is not known. */
export function triggerBefore({ verb, name }: DdlStatement, { schema, table }: TableName, objects: ObjectStates): TriggerBefore | null | undefined {
  if (!name) return undefined;
  const called = (text: ObjectText): boolean => text.name.toLowerCase() === name.table.toLowerCase();
  if (verb === 'CREATE') {
    const group = objects.before({ schema, kind: 'TRIGGERS', name: table });
    const text = group?.texts.find(called);
    return group && text ? { table, group, text } : group === undefined ? undefined : null;
  }
  for (const { of, definition } of objects.ended) {
    const text = of.kind === 'TRIGGERS' && of.schema === name.schema ? definition?.texts.find(called) : undefined;
    if (definition && text) return { table: of.name, group: definition, text };
  }
  // Where all triggers of the schema are known, none of any table went.
  const taken = objects.ended.some(({ of }) => of.kind === 'TRIGGERS' && of.schema === name.schema);
  return taken ? undefined : objects.before({ schema: name.schema, kind: 'TRIGGERS', name: '' }) === null ? null : undefined;
}

function undoTrigger({ statement, flavour, objects }: ObjectDdl, schema: string, table: string): DdlVerdict {
  const { verb, name, ifNotExists, orReplace } = statement;
  if (!name || name.schema === '') return unknown('its name was not understood');
  const drop = `DROP TRIGGER ${quoteTable(name.schema, name.table)}`;
  if (verb === 'CREATE' && !ifNotExists && !orReplace) return undo(drop);
  const was = triggerBefore(statement, { schema, table }, objects);
  if (was === undefined) return unknown(verb === 'CREATE' ? 'whether the trigger was there already is not known' : 'what the trigger was before is not known');
  if (was === null) return verb === 'CREATE' ? undo(drop) : noEffect;
  if (ifNotExists) return noEffect;
  const again = triggerAgain(schema, was.text, triggerPlace(was.group.texts, was.text), flavour, verb === 'CREATE' ? 'CREATE OR REPLACE' : 'CREATE');
  return again === null ? notUndoable('what the trigger was before is not understood') : undo([{ sql: again, session: was.text.session }]);
}

/** The triggers of a table that was dropped, in the order in which they fired; null where one is not understood, undefined where they are not known. */
export function triggersAgain(schema: string, table: string, objects: ObjectStates, flavour: 'mysql' | 'mariadb'): UndoStatement[] | null | undefined {
  const group = objects.before({ schema, kind: 'TRIGGERS', name: table });
  if (group === undefined) return undefined;
  const made = (group?.texts ?? []).map((text) => ({ sql: triggerAgain(schema, text, '', flavour), session: text.session }));
  return made.every((statement): statement is UndoStatement => statement.sql !== null) ? made : null;
}

/** ALTER DATABASE, back to the options before. */
export function databaseOptionsBack(database: string, objects: ObjectStates, flavour: 'mysql' | 'mariadb'): DdlVerdict {
  const options = objects.before({ schema: database, kind: 'DATABASE', name: '' })?.texts[0]?.sql;
  if (options === undefined) return unknown('what the database gave new tables before is not known');
  const comment = flavour === 'mariadb' && !options.includes(' COMMENT ') ? " COMMENT ''" : '';
  return undo(`ALTER DATABASE ${quoteName(database)} ${options}${comment}`);
}

/** What went with a database and is made again with it, in this order; its tables and views have operations of their own. */
const WITH_DATABASE: readonly ObjectKind[] = ['SEQUENCE', 'FUNCTION', 'PROCEDURE', 'EVENT'];

/** A dropped database, with what was in it and is no table or view. */
export function databaseAgain(database: string, objects: ObjectStates, flavour: 'mysql' | 'mariadb'): DdlVerdict {
  const before = objects.before({ schema: database, kind: 'DATABASE', name: '' });
  if (before === null) return noEffect;
  const options = before?.texts[0]?.sql;
  if (options === undefined) return unknown('what the database was is not known');
  const made: UndoStatement[] = [{ sql: `CREATE DATABASE ${quoteName(database)} ${options}`, session: null }];
  const lost: string[] = [];
  for (const kind of WITH_DATABASE) {
    for (const { of, definition } of objects.ended.filter((one) => one.of.schema === database && one.of.kind === kind)) {
      const text = definition?.texts[0];
      const sql = text ? objectAgain(of, text, flavour) : null;
      if (text && sql !== null) made.push({ sql, session: text.session, makes: of });
      else lost.push(`${kind.toLowerCase()} ${of.name}`);
    }
  }
  return undo(made, ['the rows of its tables', ...lost].join(', '));
}
