/** What can be asked of any server. Importing it starts none: the benchmarks have servers of their own. */
import { createConnection, type Connection, type ConnectionOptions, type RowDataPacket } from 'mysql2/promise';
import { runTool, type ExecResult } from '../../deploy/provision/index.ts';
import type { Position } from '../../src/core/position.ts';
import type { Address } from './daemon.ts';

export type Row = Record<string, string | number | Buffer | null>;

/** The list of sessions, in the place of a table's name. MySQL cannot always read the other one: `src/core/process-list.ts`. */
export const PROCESS_LIST = '/*!80022 performance_schema.processlist *//*M! information_schema.processlist */';

/** A connection to the server as its all-rights account; rows are plain objects. The caller ends it. */
export function connect(server: Address, options: ConnectionOptions = {}): Promise<Connection> {
  return createConnection({ host: server.host, port: server.port, user: server.user, password: server.password, ...options });
}

export async function query(connection: Connection, sql: string, parameters: readonly (string | number)[] = []): Promise<Row[]> {
  const [rows] = await connection.query<(Row & RowDataPacket)[]>(sql, [...parameters]);
  return rows;
}

/** The end of a server's binlog now. */
export async function binlogEnd(connection: Connection): Promise<Position> {
  const [status] = await query(connection, 'SHOW BINARY LOG STATUS').catch(() => query(connection, 'SHOW MASTER STATUS'));
  return { file: String(status?.File), offset: Number(status?.Position) };
}

/** The mariadb client of Debian, which talks to all of the servers. */
export function applyWithClient(server: Address, script: string, args: readonly string[] = []): Promise<ExecResult> {
  return runTool('mariadb-11.8', 'usr/bin/mariadb', [...clientArguments(server), ...args], { input: script });
}

export function clientArguments({ host, port, user, password }: Address): string[] {
  return ['--no-defaults', '--skip-ssl', `--host=${host}`, `--port=${port}`, `--user=${user}`, `--password=${password}`];
}

/** MySQL's own client, which keeps comments; MariaDB's, which talks to all, takes plain ones out. */
export function applyWithMysql(server: Address, script: string, args: readonly string[] = []): Promise<ExecResult> {
  return runTool('mysql-9.7', 'usr/bin/mysql', ['--no-defaults', `--host=${server.host}`, `--port=${server.port}`, `--user=${server.user}`, `--password=${server.password}`, ...args], { input: script });
}
