import type { CaptureFilter } from '../../capture/filter.ts';
import type { DefinitionObserver, Dropped } from '../../capture/assembler.ts';
import { rows } from '../../core/mysql.ts';
import type { Connection } from 'mysql2/promise';
import type { Flavour } from '../../core/server-version.ts';
import type { Logger } from '../../core/log.ts';
import type { ObjectKind } from '../../schema/objects/object.ts';
import type { ObjectTracker } from '../../schema/objects/object-tracker.ts';
import type { DefinitionTracker } from '../../schema/tracker.ts';
import type { Grants } from '../check/grants.ts';

/** What an account needs to see all objects of a kind, and their text. */
const NEEDED: Readonly<Record<ObjectKind, string>> = {
  DATABASE: 'SELECT', SEQUENCE: 'SELECT', VIEW: 'SHOW VIEW', TRIGGERS: 'TRIGGER', EVENT: 'EVENT', PROCEDURE: 'SELECT', FUNCTION: 'SELECT',
};

/** The kinds of which the account sees all in a schema. The text of routines takes a right on every schema, or on the table that holds them. */
export function visibleKinds(grants: Grants, flavour: Flavour, schema: string): ObjectKind[] {
  const routines = grants.everywhere('SELECT') || (flavour === 'mysql' ? grants.everywhere('SHOW_ROUTINE') : grants.onSchema('SELECT', 'mysql'));
  return (Object.keys(NEEDED) as ObjectKind[]).filter((kind) => (kind === 'PROCEDURE' || kind === 'FUNCTION' ? routines : grants.onSchema(NEEDED[kind], schema)));
}

/** The statement that gives what is missing; null: nothing is. */
export function missingGrant(grants: Grants): string | null {
  const missing = [...new Set(Object.values(NEEDED))].filter((privilege) => !grants.everywhere(privilege));
  return missing.length === 0 ? null : `GRANT ${missing.join(', ')} ON *.* TO ${grants.account};`;
}

/** Tells both histories of DDL; rows bear on the one of tables alone. */
export function observed(tables: DefinitionTracker, objects: ObjectTracker): DefinitionObserver {
  return {
    seen: (map, at) => { tables.seen(map, at); },
    changed: (event) => { tables.changed(event); objects.changed(event); },
    lost: (at) => { tables.lost(at); objects.lost(at); },
    passed: (at) => { tables.passed(at); objects.passed(at); },
    inside: (schema) => {
      const views = objects.names(schema, 'VIEW');
      const named = (names: readonly string[], type: Dropped['type']): Dropped[] => names.toSorted().map((table) => ({ table, type }));
      return [...named(views, 'DROPVIEW'), ...named(tables.tablesOf(schema).filter((table) => !views.includes(table) && !objects.names(schema, 'SEQUENCE').includes(table)), 'DROPTABLE')];
    },
  };
}

/** Reads the objects of all captured schemas that were not read before. */
export async function seedObjects(tracker: ObjectTracker, control: Connection, grants: Grants, filter: CaptureFilter, over: AbortSignal, log: Logger): Promise<void> {
  const fix = missingGrant(grants);
  if (fix !== null) log.warn({ event: 'objects_hidden', fix }, 'The account does not see all views, routines, triggers and events: DDL on those that it does not see cannot be undone');
  const schemas = await rows<{ name: string }>(control, 'SELECT schema_name AS name FROM information_schema.schemata');
  let read = 0;
  for (const { name } of schemas) {
    if (over.aborted || !filter.capturesSchema(name)) continue;
    const found = await tracker.seed(name, over);
    if (found === null) log.warn({ event: 'objects_not_read', schema: name }, 'There are too many views, routines, triggers and events to read them ahead: DDL on them is undone once the daemon has met them');
    else read += found;
  }
  if (!over.aborted) log.info({ event: 'objects_read', objects: read }, 'The definitions of views, routines, triggers and events are read');
}
