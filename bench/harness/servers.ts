import type { Connection } from 'mysql2/promise';
import { startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { connect } from '../../test/support/any-server.ts';
import type { BenchKind } from './context.ts';
import { processorSeconds } from './process-time.ts';

/** What part a server plays: each kind has one of each, started when first asked for and stopped with the process. */
export type Role = 'source' | 'backup' | 'replica';

const started = new Map<string, Promise<RunningServer>>();
/** The same for all roles, so that a replica and a backup server are judged alike. */
const POOL_MIB = 512;

/** @param bufferPoolMiB another size is another server. */
export function server(kind: BenchKind, role: Role, bufferPoolMiB = POOL_MIB): Promise<RunningServer> {
  const key = `${kind} ${role} ${bufferPoolMiB}`;
  let found = started.get(key);
  if (!found) {
    // MariaDB's default is no binlog, MySQL's is one; what a source must have it has.
    const logBin = role === 'source' || kind.startsWith('mysql');
    // The client's LOAD DATA, as much the daemon's as that of what it is held against; MySQL's default is off.
    found = startServer(kind, { bufferPoolMiB, logBin, args: ['--local-infile=ON'] });
    started.set(key, found);
  }
  return found;
}

/** Processor time of all of them so far. */
export async function serverSeconds(): Promise<number> {
  const running = await Promise.all(started.values());
  return running.reduce((sum, { pid }) => sum + processorSeconds(pid), 0);
}

export async function stopServers(): Promise<void> {
  await Promise.all([...started.values()].map(async (starting) => (await starting).stop()));
  started.clear();
}

/** Both servers as an operator should run them, or as fast as they can be. */
export async function setDurability(connection: Connection, durable: boolean): Promise<void> {
  await connection.query(`SET GLOBAL innodb_flush_log_at_trx_commit = ${durable ? 1 : 2}`);
  await connection.query(`SET GLOBAL sync_binlog = ${durable ? 1 : 0}`);
}

export async function withConnection<T>(to: RunningServer, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connect(to, { multipleStatements: true, supportBigNumbers: true });
  try {
    return await work(connection);
  } finally {
    await connection.end();
  }
}
