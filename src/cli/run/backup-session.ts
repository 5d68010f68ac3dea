import type { Connection } from 'mysql2/promise';
import { UndoError } from '../../core/errors.ts';
import { dropConnection, openConnection, scalar, type ConnectionSettings, type ServerEndpoint } from '../../core/mysql.ts';

/** Twice the bytes of one block part or multi-row INSERT of the store. */
const LEAST_PACKET = 4 * 1024 * 1024;

/** What waits for work for as long as a source has none must not be closed by the server: its longest time (a year). */
const WAIT_SECONDS = 31_536_000;

/** The connections of one capture session to the backup server, opened together and ended together. */
export class BackupSession implements AsyncDisposable {
  readonly #all: readonly Connection[];
  /** For batches of the log: each is one that is written at a time. */
  readonly writers: readonly Connection[];
  /** The projection writes on them in turn; the only ones that may send rows as a file. */
  readonly projection: readonly [Connection, Connection];
  /** DDL and single statements: everything that must not commit or wait for a batch. */
  readonly side: Connection;
  readonly lease: Connection;
  /** For DDL of the source that is run again on empty copies. */
  readonly scratch: Connection;

  private constructor(projection: readonly [Connection, Connection], side: Connection, lease: Connection, scratch: Connection, writers: readonly Connection[]) {
    this.#all = [...projection, side, lease, scratch, ...writers];
    this.writers = writers;
    this.projection = projection;
    this.side = side;
    this.lease = lease;
    this.scratch = scratch;
  }

  static async open(endpoint: ServerEndpoint): Promise<BackupSession> {
    const opened: Connection[] = [];
    try {
      const open = async (settings?: ConnectionSettings): Promise<Connection> => {
        const connection = await openConnection(endpoint, settings);
        opened.push(connection);
        // READ COMMITTED: the default would read an old snapshot of cursors, and MariaDB 11.8 refuses writes on one.
        await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
        await connection.query(`SET SESSION wait_timeout = ${WAIT_SECONDS}`);
        return connection;
      };
      // One after the other: one that fails must leave none behind that is still being opened.
      const projection = [await open({ localFiles: true }), await open({ localFiles: true })] as const;
      const [side, lease, scratch] = [await open(), await open(), await open()];
      const writers = [await open(), await open()];
      const packet = Number(await scalar<string>(side, 'SELECT @@session.max_allowed_packet'));
      if (packet < LEAST_PACKET) {
        throw new UndoError('PACKET_TOO_LARGE', `The backup server has max_allowed_packet=${packet}; blocks of the log take packets of up to ${LEAST_PACKET} bytes.`, {
          fix: `SET GLOBAL max_allowed_packet=${LEAST_PACKET * 4} on the backup server, and in its my.cnf.`,
        });
      }
      return new BackupSession(projection, side, lease, scratch, writers);
    } catch (error) {
      for (const connection of opened) connection.destroy();
      throw error;
    }
  }

  /** Ids on the server of the connections that write. */
  get ids(): number[] {
    return this.#all.filter((connection) => connection !== this.lease).map((connection) => connection.threadId);
  }

  /** Ends all at once; statements without an answer fail now, also when no packet gets through any more. */
  drop(): void {
    for (const connection of this.#all) dropConnection(connection);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    return Promise.resolve();
  }
}
