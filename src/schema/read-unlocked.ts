import type { Connection, RowDataPacket } from 'mysql2/promise';
import { quoteName, quoteTable } from '../core/identifiers.ts';
import { scalar, serverErrorNumber } from '../core/mysql.ts';
import type { SchemaDefaults, TableDefinition } from './definition.ts';
import { readDefinition, readDefinitions } from './read-definition.ts';

/** No such table or database, or no right to see it (MySQL's and MariaDB's lists agree in these). */
const NOT_THERE = new Set([1146, 1049, 1051, 1142, 1044]);
const LOCK_WAIT_TIMEOUT = 1205;

/**
 * Reads one table's definition with its SHOW CREATE TABLE text, or fails: MariaDB's information_schema silently leaves out what
 * it cannot open because somebody holds the table locked, which would read as a table without columns, or as none. SHOW CREATE
 * TABLE comes first since it waits for the end of DDL that is in the binlog but not in MySQL's catalogue yet.
 * @returns null when there is no such table. @throws the server's own error 1205 for a table that is locked.
 */
export async function readUnlocked(connection: Connection, schema: string, table: string): Promise<TableDefinition | null> {
  const sql = await showCreateTable(connection, schema, table);
  const definition = await readDefinition(connection, schema, table, sql ?? '');
  if (sql === null || (definition !== null && definition.columns.length > 0)) return definition;
  throw new Error(`${quoteTable(schema, table)} could not be opened while its columns were read`);
}

/** The same for many tables of one schema; absent: those that are not there, or that somebody holds locked. */
export async function readAllUnlocked(connection: Connection, schema: string, tables: readonly string[]): Promise<Map<string, TableDefinition>> {
  const texts = new Map<string, string>();
  for (const table of tables) {
    const sql = await showCreateTable(connection, schema, table).catch((error: unknown) => {
      if (serverErrorNumber(error) === LOCK_WAIT_TIMEOUT) return null;
      throw error;
    });
    if (sql !== null) texts.set(table, sql);
  }
  if (texts.size === 0) return new Map();
  const found = await readDefinitions(connection, schema, texts);
  for (const [table, { columns }] of found) if (columns.length === 0) found.delete(table);
  return found;
}

/** What the schema gives its new tables; null when it is not there. SHOW CREATE DATABASE waits for DDL on it that is under way. */
export async function readSchemaDefaults(connection: Connection, schema: string): Promise<SchemaDefaults | null> {
  try {
    await connection.query(`SHOW CREATE DATABASE ${quoteName(schema)}`);
  } catch (error) {
    const number = serverErrorNumber(error);
    if (number !== null && NOT_THERE.has(number)) return null;
    throw error;
  }
  const collation = await scalar<string>(connection, 'SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = ?', [schema]);
  return collation === null ? null : { schema, table: '', collation };
}

/** @returns null when there is no such table, or no right to see it. */
export async function showCreateTable(connection: Connection, schema: string, table: string): Promise<string | null> {
  try {
    const [found] = await connection.query<RowDataPacket[]>(`SHOW CREATE TABLE ${quoteTable(schema, table)}`);
    // Of a view the second column is called otherwise.
    return String(Object.values(found[0] ?? {})[1] ?? '');
  } catch (error) {
    const number = serverErrorNumber(error);
    if (number !== null && NOT_THERE.has(number)) return null;
    throw error;
  }
}
