import type { Connection } from 'mysql2/promise';
import { openConnection, type ServerEndpoint } from '../core/mysql.ts';

/** Two connections for one run of retention (retention.ts), closed with it. */
export async function withRetentionConnections<T>(endpoint: ServerEndpoint, use: (connection: Connection, second: Connection) => Promise<T>): Promise<T> {
  const open: Connection[] = [];
  const next = async (): Promise<Connection> => {
    const connection = await openConnection(endpoint);
    open.push(connection);
    // No gap locks, which would hold up the projection.
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    return connection;
  };
  try {
    return await use(await next(), await next());
  } finally {
    for (const connection of open) connection.destroy();
  }
}
