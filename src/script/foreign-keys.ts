import type { Connection } from 'mysql2/promise';
import { openConnection, rows, type ServerEndpoint } from '../core/mysql.ts';
import { quoteName, quoteTable } from '../core/identifiers.ts';
import { UndoError } from '../core/errors.ts';
import type { TableName } from './selection.ts';

/** A foreign key that has a table of the script on one of its sides. */
export interface ForeignKey {
  readonly name: string;
  readonly child: { readonly schema: string; readonly table: string };
  readonly parent: { readonly schema: string; readonly table: string };
  readonly columns: readonly { readonly child: string; readonly parent: string }[];
  /** CASCADE, SET NULL, SET DEFAULT, RESTRICT or NO ACTION. */
  readonly onDelete: string;
  readonly onUpdate: string;
}

interface PartRow {
  name: string; child_schema: string; child_table: string; child_column: string;
  parent_schema: string; parent_table: string; parent_column: string; place: string | number;
}

/**
 * The foreign keys of tables as the source has them now, from either side.
 *
 * Table by table, without joins: MariaDB then opens the named tables only, and makes no temporary tables of its catalogue
 * (11.8.6 was seen to crash while dropping one after the join that stood here). Only who refers to a table is asked of all tables.
 * @returns null when the source cannot be reached.
 */
export async function foreignKeysOf(endpoint: ServerEndpoint, tables: readonly TableName[]): Promise<ForeignKey[] | null> {
  const connection = await openConnection(endpoint).catch((error: unknown) => {
    if (error instanceof UndoError) return null;
    throw error;
  });
  if (connection === null) return null;
  try {
    const found: ForeignKey[] = [];
    for (const table of tables) found.push(...await keysOfChild(connection, table));
    const seen = new Set(found.map(identity));
    for (const { name, ...child } of await referring(connection, tables)) {
      found.push(...(await keysOfChild(connection, child)).filter((key) => key.name === name && !seen.has(identity(key))));
    }
    return found;
  } finally {
    connection.destroy();
  }
}

const identity = ({ name, child }: ForeignKey): string => `${child.schema}\0${child.table}\0${name}`;

/** The foreign keys that a table declares. */
async function keysOfChild(connection: Connection, { schema, table }: TableName): Promise<ForeignKey[]> {
  const parts = await rows<PartRow>(connection,
    `SELECT constraint_name AS name, table_schema AS child_schema, table_name AS child_table, column_name AS child_column,
       referenced_table_schema AS parent_schema, referenced_table_name AS parent_table, referenced_column_name AS parent_column, ordinal_position AS place
     FROM information_schema.key_column_usage WHERE table_schema = ? AND table_name = ? AND referenced_table_name IS NOT NULL`, [schema, table]);
  if (parts.length === 0) return [];
  const rules = await rows<{ name: string; on_delete: string; on_update: string }>(connection,
    `SELECT constraint_name AS name, delete_rule AS on_delete, update_rule AS on_update
     FROM information_schema.referential_constraints WHERE constraint_schema = ? AND table_name = ?`, [schema, table]);
  return rules.map((rule) => {
    const own = parts.filter(({ name }) => name === rule.name).sort((a, b) => Number(a.place) - Number(b.place));
    const [first] = own;
    return first && {
      name: rule.name, child: { schema: first.child_schema, table: first.child_table }, parent: { schema: first.parent_schema, table: first.parent_table },
      columns: own.map((part) => ({ child: part.child_column, parent: part.parent_column })),
      onDelete: rule.on_delete.toUpperCase(), onUpdate: rule.on_update.toUpperCase(),
    };
  }).filter((key) => key !== undefined);
}

/** Which foreign keys of which tables refer to these. */
function referring(connection: Connection, tables: readonly TableName[]): Promise<(TableName & { readonly name: string })[]> {
  return rows(connection,
    `SELECT constraint_schema AS \`schema\`, table_name AS \`table\`, constraint_name AS name FROM information_schema.referential_constraints
     WHERE (unique_constraint_schema, referenced_table_name) IN (${tables.map(() => '(?, ?)').join(', ')})`, tables.flatMap(({ schema, table }) => [schema, table]));
}

/** Counts into `@o` whether a child row names a parent that is not there; NULL in any column names none (MATCH SIMPLE). */
export function orphanCheck({ child, parent, columns }: ForeignKey): string {
  const own = columns.map((column) => `c.${quoteName(column.child)}`);
  const joined = columns.map((column) => `p.${quoteName(column.parent)}=c.${quoteName(column.child)}`).join(' AND ');
  return `SET @o=@o+EXISTS(SELECT 1 FROM ${quoteTable(child.schema, child.table)} c WHERE ${own.map((name) => `${name} IS NOT NULL`).join(' AND ')} `
    + `AND NOT EXISTS(SELECT 1 FROM ${quoteTable(parent.schema, parent.table)} p WHERE ${joined}));`;
}

/** Actions that change rows of the child by themselves. */
export function reachesChildren(action: string): boolean {
  return action === 'CASCADE' || action === 'SET NULL' || action === 'SET DEFAULT';
}
