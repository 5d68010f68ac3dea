import type { RunningServer } from '../../deploy/provision/index.ts';
import { threadSeconds } from './process-time.ts';
import { withConnection } from './servers.ts';
import { rows } from './undo-log.ts';

/**
 * Processor seconds so far of the threads that serve those connections to a server that stay: what reads its binlog, and whatever else that asks.
 * Thread ids: `performance_schema.threads` (MySQL), `information_schema.processlist.TID` (MariaDB).
 */
export function tailSeconds(server: RunningServer): Promise<number> {
  return withConnection(server, async (db) => {
    const threads = await rows(db, server.flavour === 'mysql'
      ? "SELECT THREAD_OS_ID AS thread FROM performance_schema.threads WHERE TYPE = 'FOREGROUND' AND PROCESSLIST_ID <> CONNECTION_ID() AND PROCESSLIST_COMMAND <> 'Daemon'"
      : "SELECT TID AS thread FROM information_schema.processlist WHERE ID <> CONNECTION_ID() AND COMMAND <> 'Daemon'");
    return threads.reduce((sum, { thread }) => sum + threadSeconds(server.pid, Number(thread)), 0);
  });
}
