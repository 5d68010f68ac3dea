import { UndoError } from '../core/errors.ts';

const MAX_BYTES = 64;

/**
 * goInception's name for the backup database of a schema: `<host>_<port>_<schema>`, `-` and `.` turned into `_`.
 * goInception cuts a longer name from the left, where two hosts can meet; we ask for a short alias instead.
 * @throws UndoError BACKUP_NAME_TOO_LONG.
 */
export function backupDatabaseName(label: string, port: number, schema: string): string {
  const name = `${label}_${port}_${schema}`;
  if (Buffer.byteLength(name) > MAX_BYTES) {
    throw new UndoError('BACKUP_NAME_TOO_LONG', `The backup database of schema "${schema}" would be named "${name}", which is ${Buffer.byteLength(name)} bytes long.`);
  }
  return name.replaceAll('-', '_').replaceAll('.', '_');
}
