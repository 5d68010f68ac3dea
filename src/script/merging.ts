import type { MergeLimits } from '../rollback/index.ts';
import type { TableDefinition } from '../schema/definition.ts';
import { reachesChildren } from './foreign-keys.ts';
import type { Plan } from './plan.ts';

/**
 * How far rows of a table may share statements. Within one statement the server changes rows in an order of its own, which must make no
 * difference: also not through foreign keys.
 * @returns null: each row has a statement of its own.
 */
export function mergeLimits({ options, ddl, foreignKeys, foreignKeysKnown }: Pick<Plan, 'options' | 'ddl' | 'foreignKeys' | 'foreignKeysKnown'>, { schema, table }: TableDefinition): MergeLimits | null {
  // What foreign keys the tables of a script with DDL have in each of its sections, nobody can be asked.
  if (options.form === 'single' || ddl.length > 0) return null;
  if (!foreignKeysKnown) return { deletes: false, fixed: null };
  const isOwn = (name: { readonly schema: string; readonly table: string }): boolean => name.schema === schema && name.table === table;
  const referring = foreignKeys.filter(({ parent }) => isOwn(parent));
  const toItself = referring.some(({ child }) => isOwn(child));
  return {
    deletes: !toItself && !referring.some(({ onDelete }) => reachesChildren(onDelete)),
    fixed: toItself ? null : new Set(referring.flatMap(({ columns }) => columns.map(({ parent }) => parent.toLowerCase()))),
  };
}
