import { readFileSync } from 'node:fs';
import mysql, { type Connection, type ConnectionOptions, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { UndoError, reasonOf } from './errors.ts';

/** TLS towards a server. Paths are PEM files; `verify` checks the chain and the host name. */
export interface TlsSettings {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly verify: boolean;
}

/** Where a server is and how to log in. `password` is called at every connect, so that a rotated *_FILE is picked up. */
export interface ServerEndpoint {
  readonly role: 'source' | 'backup';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: () => string;
  /** Null: no TLS. */
  readonly tls: TlsSettings | null;
}

export interface ConnectionSettings {
  /** Milliseconds for TCP, TLS and login together; default 10 000. */
  readonly connectTimeout?: number;
  readonly database?: string;
  /** Result rows as arrays in column order instead of objects; for result sets with duplicate column names. */
  readonly rowsAsArray?: boolean;
  /** Statements may have LOAD DATA LOCAL, from a stream of ours: no file is ever read because a server asks for it. */
  readonly localFiles?: boolean;
}

type Parameter = string | number | bigint | boolean | Buffer | null;

const CONNECT_TIMEOUT = 10_000;

/**
 * Session settings that our statements are written for. mysql2 escapes with backslashes, which is wrong under a global
 * NO_BACKSLASH_ESCAPES; ANSI_QUOTES would change what SHOW CREATE TABLE prints.
 */
const SESSION = "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone='+00:00', autocommit=1, sql_quote_show_create=1";

/** Server error numbers that mean "this account may not", not "this server is not there" (MySQL and MariaDB error lists). */
const DENIED = new Set([
  1044, // no right to the database
  1045, // wrong user or password
  1130, // host not allowed
  1227, // a privilege is missing
  1698, // wrong user or password, without "using password"
  1820, 1862, // password expired
  3118, 4151, // account locked
]);

/** Codes of OpenSSL's certificate errors, of Node's TLS errors and of mysql2's. */
const TLS_FAILURE = /^(HANDSHAKE_|ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(endpoint: Pick<ServerEndpoint, 'host' | 'port'>): string {
  return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

function pem(path: string | null, what: string): { value?: Buffer } {
  if (path === null) return {};
  try {
    return { value: readFileSync(path) };
  } catch (error) {
    throw new UndoError('CONFIG_INVALID', `The TLS ${what} file "${path}" cannot be read (${reasonOf(error)}).`);
  }
}

function tlsOptions(tls: TlsSettings): NonNullable<ConnectionOptions['ssl']> {
  const ca = pem(tls.ca, 'ca').value;
  const cert = pem(tls.cert, 'cert').value;
  const key = pem(tls.key, 'key').value;
  return {
    rejectUnauthorized: tls.verify,
    verifyIdentity: tls.verify,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}

/**
 * The mysql2 options for an endpoint, as every connection of ours uses them: values arrive as exact strings
 * (dates, big integers, decimals, JSON), affected rows count matched rows, one statement per call, LOCAL INFILE only where asked for.
 * @throws UndoError CONFIG_INVALID when a password or TLS file cannot be read.
 */
export function connectionOptions(endpoint: ServerEndpoint, settings: ConnectionSettings = {}): ConnectionOptions {
  return {
    host: endpoint.host,
    port: endpoint.port,
    user: endpoint.user,
    password: endpoint.password(),
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    decimalNumbers: false,
    jsonStrings: true,
    multipleStatements: false,
    flags: ['FOUND_ROWS', settings.localFiles === true ? 'LOCAL_FILES' : '-LOCAL_FILES'],
    connectTimeout: settings.connectTimeout ?? CONNECT_TIMEOUT,
    enableKeepAlive: true,
    ...(settings.database !== undefined && { database: settings.database }),
    ...(settings.rowsAsArray === true && { rowsAsArray: true }),
    ...(endpoint.tls && { ssl: tlsOptions(endpoint.tls) }),
  };
}

/**
 * Opens a connection with the session settings that our statements rely on.
 * It carries an 'error' listener: a connection that dies while idle shows at its next statement, never as an unhandled event.
 * @throws UndoError SOURCE_ or BACKUP_ UNREACHABLE or ACCESS_DENIED; CONFIG_INVALID when a secret or TLS file cannot be read.
 */
export async function openConnection(endpoint: ServerEndpoint, settings: ConnectionSettings = {}): Promise<Connection> {
  const options = connectionOptions(endpoint, settings);
  let connection: Connection | undefined;
  try {
    connection = await mysql.createConnection(options);
    connection.on('error', () => undefined);
    await connection.query(SESSION);
    return connection;
  } catch (error) {
    connection?.destroy();
    throw connectionError(endpoint, error);
  }
}

/** Ends a connection at once; statements without an answer fail. mysql2's own destroy only half-closes the socket and lets them wait for ever. */
export function dropConnection(connection: Connection): void {
  const { connection: core } = connection as unknown as { readonly connection: { readonly stream: { destroy(): void } } };
  core.stream.destroy();
}

/** Names a failed connect or a lost connection in our terms; errors that already are ours pass through. */
export function connectionError(endpoint: ServerEndpoint, error: unknown): UndoError {
  if (error instanceof UndoError) return error;
  const role = endpoint.role === 'source' ? 'SOURCE' : 'BACKUP';
  const who = `${endpoint.role === 'source' ? 'The source server' : 'The backup server'} at ${hostPort(endpoint)}`;
  const number = serverErrorNumber(error);
  const code = errorCode(error);
  if ((number !== null && DENIED.has(number)) || code.startsWith('AUTH_')) {
    return new UndoError(`${role}_ACCESS_DENIED`, `${who} refused user "${endpoint.user}": ${sentence(error)}`, { cause: error });
  }
  const message = `${who} cannot be reached as user "${endpoint.user}": ${sentence(error)}`;
  return new UndoError(`${role}_UNREACHABLE`, message, {
    ...(endpoint.tls && TLS_FAILURE.test(code) && { fix: `Check BINLOG_UNDO_${role}_TLS_CA and the certificate of the server, or whether the server has TLS at all.` }),
    cause: error,
  });
}

/** The server's own error number (errno 1045, ...), or null when the error did not come from a server. */
export function serverErrorNumber(error: unknown): number | null {
  if (!(error instanceof Error) || !('errno' in error) || !('sqlState' in error)) return null;
  return typeof error.errno === 'number' ? error.errno : null;
}

/** True when the connection that gave this error cannot be used any more (mysql2 marks such errors). */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && 'fatal' in error && error.fatal === true;
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Node leaves the message of an AggregateError (several addresses tried) empty; its code still says what happened. */
function sentence(error: unknown): string {
  const text = reasonOf(error) || errorCode(error) || 'no reason given';
  return text.endsWith('.') ? text : `${text}.`;
}

/**
 * Runs a query; every row as an object of strings, numbers, Buffers and nulls. `T` states what the statement selects.
 * Every BIGINT and DECIMAL comes as text, also COUNT(*) and the literals of MySQL: wrap them in Number() where they are small.
 */
export async function rows<T extends object>(connection: Connection, sql: string, parameters: readonly Parameter[] = []): Promise<T[]> {
  const [result] = await connection.query<(T & RowDataPacket)[]>(sql, [...parameters]);
  return result;
}

/** The first row, or null. */
export async function row<T extends object>(connection: Connection, sql: string, parameters: readonly Parameter[] = []): Promise<T | null> {
  const [first] = await rows<T>(connection, sql, parameters);
  return first ?? null;
}

/** The first column of the first row; null when there is no row or the value is NULL. */
export async function scalar<T extends string | number | Buffer>(
  connection: Connection, sql: string, parameters: readonly Parameter[] = [],
): Promise<T | null> {
  const first = await row<Record<string, T | null>>(connection, sql, parameters);
  return first === null ? null : Object.values(first)[0] ?? null;
}

/**
 * Runs a statement that gives no rows. `affectedRows` counts matched rows, also when their values stay the same.
 * @param parameters null: the text is not even searched for placeholders.
 */
export async function run(connection: Connection, sql: string, parameters: readonly Parameter[] | null = []): Promise<ResultSetHeader> {
  const [result] = await connection.query<ResultSetHeader>(sql, parameters && [...parameters]);
  return result;
}
