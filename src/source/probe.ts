import { randomUUID } from 'node:crypto';
import type { ServerEndpoint } from '../core/mysql.ts';
import type { BinlogEvent } from '../binlog/events.ts';
import { replicaIdentity } from './replica-identity.ts';
import { BinlogStream } from './stream.ts';
import type { DumpStart } from './zongji-tap.ts';

/** Ends a reading; not an error. */
class Enough extends Error {}

const HEARTBEAT_SECONDS = 5;

/**
 * Reads a source's binlog as a replica of a moment, from `start` until `visit` has seen enough or the binlog ends.
 * @param visit returns true to end the reading. A reader beside a running daemon: it has an identity of its own.
 * @throws UndoError as the stream does, and what `visit` throws.
 */
export async function readBinlog(
  endpoint: ServerEndpoint, flavour: 'mysql' | 'mariadb', start: DumpStart, visit: (event: BinlogEvent) => boolean, signal?: AbortSignal,
): Promise<void> {
  const stream = new BinlogStream({
    endpoint, flavour, identity: replicaIdentity(`reading ${randomUUID()}`, null), heartbeatSeconds: HEARTBEAT_SECONDS, toEnd: true, start,
    onEvent: (event) => {
      if (visit(event)) throw new Enough();
    },
  });
  const stop = (): void => void stream.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await stream.ended;
  } catch (error) {
    if (!(error instanceof Error && error.cause instanceof Enough)) throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
