import { isConnectionLost, openConnection, scalar, type ServerEndpoint } from '../core/mysql.ts';
import type { Position } from '../core/position.ts';
import { currentBinlogPosition, probeServer } from '../core/server.ts';
import { UndoError } from '../core/errors.ts';
import type { TableDefinition } from '../schema/definition.ts';
import { readDefinition } from '../schema/read-definition.ts';

/** The end of the source's binlog, and the source's clock when it was there. */
export interface SourceNow {
  readonly position: Position;
  readonly micros: number;
}

/** @returns null when the source cannot be reached or asked: a script can still be made from the log alone. */
export async function sourceNow(endpoint: ServerEndpoint): Promise<SourceNow | null> {
  try {
    const connection = await openConnection(endpoint);
    try {
      const capabilities = await probeServer(connection);
      // Taken before the position: whatever committed until this moment lies before it.
      const micros = (Date.now() + capabilities.clockOffset) * 1000;
      const { file, offset } = await currentBinlogPosition(connection, capabilities);
      return { position: { file, offset }, micros };
    } finally {
      connection.destroy();
    }
  } catch (error) {
    if (error instanceof UndoError || isConnectionLost(error)) return null;
    throw error;
  }
}

/**
 * The definitions of tables as the source has them now, by `schema\0table`; null for a table that is not there.
 * @returns null when the source cannot be reached.
 */
export async function presentDefinitions(
  endpoint: ServerEndpoint, names: readonly { schema: string; table: string }[],
): Promise<Map<string, TableDefinition | null> | null> {
  const connection = await openConnection(endpoint).catch((error: unknown) => {
    if (error instanceof UndoError) return null;
    throw error;
  });
  if (connection === null) return null;
  try {
    const found = new Map<string, TableDefinition | null>();
    for (const { schema, table } of names) found.set(`${schema}\0${table}`, await readDefinition(connection, schema, table));
    return found;
  } finally {
    connection.destroy();
  }
}

/** How many rows a table has, as far as the source's statistics know. @returns null when the source cannot be reached. */
export async function tableRows(endpoint: ServerEndpoint, { schema, table }: { readonly schema: string; readonly table: string }): Promise<number | null> {
  const connection = await openConnection(endpoint).catch((error: unknown) => {
    if (error instanceof UndoError) return null;
    throw error;
  });
  if (connection === null) return null;
  try {
    const found = await scalar<string>(connection, 'SELECT table_rows FROM information_schema.tables WHERE table_schema = ? AND table_name = ?', [schema, table]);
    return found === null ? null : Number(found);
  } finally {
    connection.destroy();
  }
}
