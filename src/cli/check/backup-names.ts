import type { Connection } from 'mysql2/promise';
import { INFORMATION_TABLE, LEDGER_MARK_TABLE } from '../../core/undo-tables.ts';
import type { Config, FilterSettings, SourceSettings } from '../../config/config.ts';
import { UndoError } from '../../core/errors.ts';
import { rows } from '../../core/mysql.ts';
import { backupDatabaseName } from '../../projection/backup-name.ts';
import type { Collector } from './report.ts';

const label = (source: SourceSettings): string => (source.aliasGiven ? source.alias : source.endpoint.host);

/** What the names of all backup databases of a source start with; null when that alone is too long. */
export function backupPrefix(source: SourceSettings): string | null {
  return nameOf(source, '');
}

function nameOf(source: SourceSettings, schema: string): string | null {
  try {
    return backupDatabaseName(label(source), source.endpoint.port, schema);
  } catch (error) {
    if (error instanceof UndoError && error.code === 'BACKUP_NAME_TOO_LONG') return null;
    throw error;
  }
}

/** Whether each schema of the source has a backup database name of its own that the server accepts. */
export async function checkBackupNames(connection: Connection, { source, filters }: Config<'source'>, out: Collector): Promise<void> {
  const schemas = (await userSchemas(connection)).filter((schema) => wanted(filters, schema));
  const tooLong = schemas.filter((schema) => nameOf(source, schema) === null);
  out.test(tooLong.length > 0 || nameOf(source, '') === null, {
    code: 'BACKUP_NAME_TOO_LONG', severity: 'fault', on: 'source',
    found: tooLong.length > 0 ? `the backup databases of ${tooLong.join(', ')} would have names of more than 64 bytes` : 'the names of the backup databases fit into 64 bytes',
    why: 'A backup database is named after host or alias, port and schema, and a server takes 64 bytes.',
    mend: { text: 'Set a short BINLOG_UNDO_SOURCE_ALIAS, or exclude the schema.' },
  });
  const byName = new Map<string, string[]>();
  for (const schema of schemas) {
    const name = nameOf(source, schema) ?? schema;
    byName.set(name, [...byName.get(name) ?? [], schema]);
  }
  const shared = [...byName.values()].filter((group) => group.length > 1).map((group) => group.join(' and '));
  out.test(shared.length > 0, {
    code: 'BACKUP_DATABASE_CLAIMED', severity: 'fault', on: 'source',
    found: shared.length > 0 ? `${shared.join('; ')} would share a backup database` : 'each schema has a backup database of its own',
    why: '"-" and "." become "_" in the name of a backup database.',
    mend: { text: 'Exclude all but one of them with BINLOG_UNDO_EXCLUDE_DATABASE.' },
  });
}

/** Schemas that are neither the server's nor ours nor goInception's. */
async function userSchemas(connection: Connection): Promise<string[]> {
  const found = await rows<{ name: string }>(connection, `SELECT schema_name AS name FROM information_schema.schemata
    WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
    AND schema_name NOT IN (SELECT table_schema FROM information_schema.tables WHERE table_name IN (?, ?)) ORDER BY schema_name`,
  [INFORMATION_TABLE, LEDGER_MARK_TABLE]);
  return found.map((schema) => schema.name);
}

function wanted(filters: FilterSettings, schema: string): boolean {
  if (filters.excludeDatabases.includes(schema)) return false;
  const unrestricted = filters.includeDatabases.length + filters.includeTables.length === 0;
  return unrestricted || filters.includeDatabases.includes(schema) || filters.includeTables.some((table) => table.startsWith(`${schema}.`));
}
