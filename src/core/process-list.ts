import type { Connection } from 'mysql2/promise';
import { row, rows } from './mysql.ts';
import { identify, isAtLeast } from './server-version.ts';

/** A session as its server lists it. */
export interface ListedSession {
  readonly id: number;
  readonly user: string;
  /** Address of the client, with its port over TCP. */
  readonly client: string;
}

interface Listed { readonly id: string | number; readonly user: string | null; readonly client: string | null }

/** Where the sessions of a server are listed; null: SHOW PROCESSLIST, which gives all of them. */
type ProcessList = 'information_schema.processlist' | 'performance_schema.processlist' | null;

const known = new WeakMap<Connection, ProcessList>();

/**
 * Those of the sessions that are open and that the account may see: its own, and with PROCESS everybody's.
 *
 * Of MySQL not by information_schema.processlist: each reading of that converts the statements of all sessions to text, and fails (error
 * 3854) as soon as one of them executes a prepared statement whose values are not UTF-8, as our own for blocks (9.7.4: a third of all
 * readings beside two writers). performance_schema.processlist converts what is asked for, and finds an id by an index.
 * @throws what the driver throws.
 */
export async function openSessions(connection: Connection, ids: readonly number[]): Promise<ListedSession[]> {
  if (ids.length === 0) return [];
  let list = known.get(connection);
  if (list === undefined) known.set(connection, list = await processList(connection));
  const found = list === null ? await shown(connection, new Set(ids))
    : await rows<Listed>(connection, `SELECT id AS id, user AS user, host AS client FROM ${list} WHERE id IN (${ids.join(', ')})`);
  return found.map(({ id, user, client }) => ({ id: Number(id), user: user ?? '', client: client ?? '' }));
}

async function shown(connection: Connection, ids: ReadonlySet<number>): Promise<Listed[]> {
  const all = await rows<{ Id: string | number; User: string | null; Host: string | null }>(connection, 'SHOW PROCESSLIST');
  return all.filter(({ Id }) => ids.has(Number(Id))).map(({ Id: id, User: user, Host: client }) => ({ id, user, client }));
}

async function processList(connection: Connection): Promise<ProcessList> {
  const server = (await row<{ raw: string; comment: string; watches: string | number }>(
    connection, 'SELECT VERSION() AS raw, @@version_comment AS comment, @@performance_schema AS watches'))!;
  const { flavour, version } = identify(server.raw, new Map([['version_comment', server.comment]]));
  if (flavour === 'mariadb') return 'information_schema.processlist';
  // New in 8.0.22 (release notes).
  return Number(server.watches) === 1 && isAtLeast(version, 8, 0, 22) ? 'performance_schema.processlist' : null;
}
