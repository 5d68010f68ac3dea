import type { Connection } from 'mysql2/promise';
import { UndoError } from '../../core/errors.ts';
import { dropConnection, openConnection, scalar, type ServerEndpoint } from '../../core/mysql.ts';

/** Twice the bytes of one block part or multi-row INSERT of the store. */
const LEAST_PACKET = 4 * 1024 * 1024;

/** Which of the connections is the projection's: the only one that may send rows as a file. */
const PROJECTION = 1;

/** The connections of one capture session to the backup server, opened together and ended together. */
export class BackupSession implements AsyncDisposable {
  readonly writer: Connection;
  readonly projection: Connection;
  /** DDL and single statements: everything that must not commit or wait for a batch. */
  readonly side: Connection;
  readonly lease: Connection;
  /** For DDL of the source that is run again on empty copies. */
  readonly scratch: Connection;

  private constructor(writer: Connection, projection: Connection, side: Connection, lease: Connection, scratch: Connection) {
    this.writer = writer;
    this.projection = projection;
    this.side = side;
    this.lease = lease;
    this.scratch = scratch;
  }

  static async open(endpoint: ServerEndpoint): Promise<BackupSession> {
    const opened: Connection[] = [];
    try {
      for (let i = 0; i < 5; i++) {
        const connection = await openConnection(endpoint, { localFiles: i === PROJECTION });
        opened.push(connection);
        // READ COMMITTED: the default would read an old snapshot of cursors, and MariaDB 11.8 refuses writes on one.
        await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      }
      const packet = Number(await scalar<string>(opened[0]!, 'SELECT @@session.max_allowed_packet'));
      if (packet < LEAST_PACKET) {
        throw new UndoError('PACKET_TOO_LARGE', `The backup server has max_allowed_packet=${packet}; blocks of the log take packets of up to ${LEAST_PACKET} bytes.`, {
          fix: `SET GLOBAL max_allowed_packet=${LEAST_PACKET * 4} on the backup server, and in its my.cnf.`,
        });
      }
      return new BackupSession(opened[0]!, opened[PROJECTION]!, opened[2]!, opened[3]!, opened[4]!);
    } catch (error) {
      for (const connection of opened) connection.destroy();
      throw error;
    }
  }

  /** Ids on the server of the connections that write. */
  get ids(): number[] {
    return [this.writer, this.projection, this.side, this.scratch].map((connection) => connection.threadId);
  }

  /** Ends all at once; statements without an answer fail now, also when no packet gets through any more. */
  drop(): void {
    for (const connection of [this.writer, this.projection, this.side, this.lease, this.scratch]) dropConnection(connection);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    return Promise.resolve();
  }
}
