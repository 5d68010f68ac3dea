import type { Finding } from './finding.ts';
import { reachesChildren, type ForeignKey } from './foreign-keys.ts';
import { formatTable, type TableName } from './selection.ts';
import type { TableTally } from './tally.ts';

/**
 * Deleted parents whose children the server deleted or changed by itself. MySQL logs that since 9.6, where foreign keys are
 * the SQL layer's; before, and on MariaDB, the binlog holds only the parents (MySQL bug 32506).
 */
export function cascadeFindings(keys: readonly ForeignKey[], tables: readonly TableTally[], logged: boolean): Finding[] {
  if (logged) return [];
  return keys.flatMap((key): Finding[] => {
    const parent = tables.find(({ schema, table }) => schema === key.parent.schema && table === key.parent.table);
    if (!parent) return [];
    const deleted = parent.deleted > 0 && reachesChildren(key.onDelete);
    // ON UPDATE CASCADE heals itself: the undo changes the key back, and the server the children with it.
    const updated = parent.updated > 0 && reachesChildren(key.onUpdate) && key.onUpdate !== 'CASCADE';
    if (!deleted && !updated) return [];
    const what = deleted ? `ON DELETE ${key.onDelete}` : `ON UPDATE ${key.onUpdate}, if the key itself was changed,`;
    return [{
      code: 'CASCADE_NOT_LOGGED', allow: 'cascade',
      message: `What ${what} of ${key.name} did to rows of ${formatTable(key.child)} when rows of ${formatTable(parent)} changed is not in the binlog`,
    }];
  });
}

/** The keys under the names that their parents had, too, where a RENAME that the script undoes has moved them. */
export function withEarlierParents(keys: readonly ForeignKey[], moved: readonly { readonly then: TableName; readonly now: TableName }[]): ForeignKey[] {
  return keys.flatMap((key) => [key, ...moved.filter(({ now }) => now.schema === key.parent.schema && now.table === key.parent.table).map(({ then }) => ({ ...key, parent: then }))]);
}
