import { UndoError, reasonOf } from '../core/errors.ts';
import { hostPort, type ServerEndpoint } from '../core/mysql.ts';

interface ServerError {
  readonly errno?: number;
  readonly code?: string;
}

/** ER_MASTER_FATAL_ERROR_READING_BINLOG carries every reason for refusing a dump; only its text tells them apart. */
const FATAL_READING_BINLOG = 1236;
const DENIED = new Set([1044, 1045, 1130, 1227, 1698, 3118, 4151]);
/** MariaDB: the requested GTID is not, or no longer, in the binlog (ER_GTID_POSITION_NOT_FOUND_IN_BINLOG and _2). */
const MARIADB_GTID_GONE = new Set([1945, 1955]);

/** Says what ended a dump as what it is: purged history, a clash of server ids, a refused login, a lost connection. */
export function streamError(error: Error, endpoint: ServerEndpoint): UndoError {
  if (error instanceof UndoError) return error;
  const { errno, code } = error as ServerError;
  const where = hostPort(endpoint);
  const reason = reasonOf(error);
  if (errno === FATAL_READING_BINLOG) {
    if (/same server_(uuid|id)|server_uuid\/server_id/i.test(reason)) {
      return new UndoError('SERVER_ID_TAKEN', `Another replica connected to ${where} with our server id or uuid: ${reason}.`, { cause: error });
    }
    if (/purged|could not find first log|not find (the )?file|is missing/i.test(reason)) {
      return new UndoError('BINLOG_PURGED', `${where} no longer has the binlog asked for: ${reason}.`, { cause: error });
    }
  }
  if (errno !== undefined && MARIADB_GTID_GONE.has(errno)) {
    return new UndoError('BINLOG_PURGED', `${where} no longer has the GTID position asked for: ${reason}.`, { cause: error });
  }
  if (errno !== undefined && DENIED.has(errno)) return new UndoError('SOURCE_ACCESS_DENIED', `${where} refuses the account: ${reason}.`, { cause: error });
  if (errno !== undefined && code?.startsWith('ER_') === true) return new UndoError('STREAM_REFUSED', `${where}: ${reason}.`, { cause: error });
  return new UndoError('STREAM_ENDED', `The connection to ${where} was lost: ${reason}.`, { cause: error });
}
