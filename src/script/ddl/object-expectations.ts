import type { TableName } from '../../binlog/sql/classify.ts';
import type { ReadDdl } from '../../rollback/ddl/read-ddl.ts';
import { renamesWith } from '../../rollback/ddl/rename-undo.ts';
import { triggerBefore } from '../../rollback/ddl/undo-object.ts';
import type { CatalogName } from '../../schema/objects/object-print.ts';
import { objectKey, type ObjectKind, type ObjectName } from '../../schema/objects/object.ts';
import type { ObjectStates } from '../../schema/objects/object-states.ts';

/** What a name stands for at some moment. */
export interface ObjectExpectation extends CatalogName {
  readonly there: boolean;
  /** The fingerprint of what is there; null: any definition will do. */
  readonly print: string | null;
}

/** The objects that one undo is about, before and after the statement that it undoes. */
export interface ObjectsAround {
  readonly before: readonly ObjectExpectation[];
  readonly after: readonly ObjectExpectation[];
}

export const NO_OBJECTS: ObjectsAround = { before: [], after: [] };

/** One object through a statement. */
interface Fate {
  readonly of: CatalogName;
  readonly was: boolean;
  readonly is: boolean;
  /** Of what it is now, and of what it was where that comes back to the byte. */
  readonly print: { readonly before: string | null; readonly after: string | null };
}

const NO_PRINT = { before: null, after: null } as const;
const AS_TABLES = ['VIEW', 'SEQUENCE'] as const;

/**
 * The objects that a statement made, took or altered, as far as its undo stands with a name.
 * @returns null where they are tables.
 */
export function objectsAround(ddl: ReadDdl, name: TableName, objects: ObjectStates): ObjectsAround | null {
  const fates = fatesOf(ddl, name, objects);
  if (fates === null) return null;
  return {
    before: fates.map(({ of, was, print }) => ({ ...of, there: was, print: was ? print.before : null })),
    after: fates.map(({ of, is, print }) => ({ ...of, there: is, print: is ? print.after : null })),
  };
}

function fatesOf({ statement, renamedTo }: ReadDdl, { schema, table }: TableName, objects: ObjectStates): Fate[] | null {
  const { verb, object, name, database } = statement;
  const fate = (of: ObjectName, was: boolean, is: boolean): Fate => ({ of: of as CatalogName, was, is, print: { before: null, after: printAfter(objects, of) } });
  if (database !== null) return table === '' ? [optionsOf(database, verb, objects)] : viewIn(schema, table, objects);
  switch (object) {
    case 'TRIGGER': {
      if (name === null) return [];
      const after = objects.after({ schema, kind: 'TRIGGERS', name: table })?.texts.find((text) => text.name.toLowerCase() === name.table.toLowerCase());
      const was = verb === 'DROP' || Boolean(triggerBefore(statement, { schema, table }, objects));
      return [{ of: { schema: name.schema, kind: 'TRIGGER', name: name.table }, was, is: verb !== 'DROP', print: { before: null, after: after?.print ?? null } }];
    }
    case 'VIEW': case 'SEQUENCE': {
      const of: ObjectName = { schema, kind: object, name: table };
      return [fate(of, verb !== 'CREATE' || Boolean(objects.before(of)), verb !== 'DROP')];
    }
    case 'PROCEDURE': case 'FUNCTION': case 'EVENT': {
      if (name === null) return [];
      const of: ObjectName = { schema: name.schema, kind: object, name: name.table };
      if (renamedTo && objectKey(renamedTo) !== objectKey(of)) return [fate(of, true, false), fate(renamedTo, false, true)];
      return [fate(of, verb !== 'CREATE' || Boolean(objects.before(of)), verb !== 'DROP')];
    }
    case 'TABLE':
      if (verb === 'RENAME') return renamed(renamesWith(statement.renames, { schema, table }), objects);
      return verb === 'DROP' && objects.before({ schema, kind: 'SEQUENCE', name: table }) ? [fate({ schema, kind: 'SEQUENCE', name: table }, true, false)] : null;
    default: return null;
  }
}

const printAfter = (objects: ObjectStates, of: ObjectName): string | null => objects.after(of)?.texts[0]?.print ?? null;

/** Options come back to the byte. */
function optionsOf(database: string, verb: string, objects: ObjectStates): Fate {
  const of: ObjectName & CatalogName = { schema: database, kind: 'DATABASE', name: '' };
  return { of, was: verb !== 'CREATE', is: verb !== 'DROP', print: { before: objects.before(of)?.texts[0]?.print ?? null, after: printAfter(objects, of) } };
}

function viewIn(schema: string, table: string, objects: ObjectStates): Fate[] | null {
  const of: ObjectName & CatalogName = { schema, kind: 'VIEW', name: table };
  return objects.before(of) ? [{ of, was: true, is: false, print: NO_PRINT }] : null;
}

/** Views and sequences that RENAME TABLE took; null where there is a table among them. */
function renamed(pairs: ReturnType<typeof renamesWith>, objects: ObjectStates): Fate[] | null {
  const key = ({ schema, table }: TableName): string => `${schema}\0${table}`;
  const names = new Map(pairs.flatMap(({ from, to }) => [from, to]).map((name) => [key(name), name]));
  const kindOf = ({ schema, table }: TableName): (typeof AS_TABLES)[number] | undefined => AS_TABLES.find((kind: ObjectKind) => objects.before({ schema, kind, name: table }));
  const was = new Map([...names].map(([known, name]) => [known, kindOf(name)]));
  const is = new Map(was);
  for (const { from, to } of pairs) {
    const moved = is.get(key(from));
    if (moved === undefined) return null;
    is.set(key(from), undefined).set(key(to), moved);
  }
  return [...names].flatMap(([known, { schema, table }]) => {
    const [before, after] = [was.get(known), is.get(known)];
    const kind = before ?? after;
    return kind === undefined ? [] : [{ of: { schema, kind, name: table }, was: before !== undefined, is: after !== undefined, print: NO_PRINT }];
  });
}

/** What has to be there once an object of a dropped database is made again, and was free before. */
export function madeAgain({ schema, kind, name }: ObjectName): ObjectsAround {
  const of = { schema, kind, name } as CatalogName;
  return { before: [{ ...of, there: true, print: null }], after: [{ ...of, there: false, print: null }] };
}

/** The same of the triggers of a table that is made again. */
export function triggersMadeAgain({ schema, table }: TableName, objects: ObjectStates): ObjectsAround {
  const texts = objects.before({ schema, kind: 'TRIGGERS', name: table })?.texts ?? [];
  const triggers = texts.map(({ name }): CatalogName => ({ schema, kind: 'TRIGGER', name }));
  return { before: triggers.map((of) => ({ ...of, there: true, print: null })), after: triggers.map((of) => ({ ...of, there: false, print: null })) };
}
