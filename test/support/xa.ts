/**
 * XA transactions on the servers that tests share. A log that begins between somebody's XA PREPARE and XA COMMIT has a gap, since it
 * never saw the rows: a lock on the server keeps the begin of a log and prepared transactions apart.
 */
import { connect } from './any-server.ts';
import type { Address } from './daemon.ts';

const LOCK = 'binlog_undo_tests_xa';
const WAIT_SECONDS = 600;

/** Before XA START, in its session. */
export const XA_BEGINS = `DO GET_LOCK('${LOCK}', ${WAIT_SECONDS})`;
/** Behind XA COMMIT or ROLLBACK, in the same session; its end does as well. */
export const XA_OVER = `DO RELEASE_LOCK('${LOCK}')`;

/** Starts the daemons of one log, the first of them, which begins it, while nobody's XA transaction is prepared. */
export class LogStarts {
  #begun = false;

  start<T>(source: Address, start: () => Promise<T>): Promise<T> {
    if (this.#begun) return start();
    this.#begun = true;
    return apartFromXa(source, start);
  }
}

/** Begins a log while nobody's XA transaction is prepared; or prepares and commits one over several sessions. */
export async function apartFromXa<T>(source: Address, work: () => Promise<T>): Promise<T> {
  const connection = await connect(source);
  try {
    await connection.query(XA_BEGINS);
    return await work();
  } finally {
    connection.destroy();
  }
}
