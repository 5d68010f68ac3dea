import { UndoError, reasonOf, type ErrorCode } from '../../core/errors.ts';
import { connectionError, hostPort, isConnectionLost, serverErrorNumber, type ServerEndpoint } from '../../core/mysql.ts';

interface Fault {
  readonly code: ErrorCode;
  /** What the operator does; absent: what the code's own line says. */
  readonly fix?: string;
}

const DISK_FULL: Fault = { code: 'BACKUP_REFUSED', fix: 'The disk of the backup server is full: make room. The daemon goes on from the checkpoint by itself.' };
const READ_ONLY: Fault = { code: 'BACKUP_REFUSED', fix: 'The backup server is read-only: name the one that is writable, or make it so. The daemon goes on by itself.' };
const ALTERED: Fault = { code: 'BACKUP_TABLE_FOREIGN', fix: 'A backup or ledger table was altered: the message names it. Put its columns back, or rename a backup table away.' };

/**
 * What each error number of the backup server means for the daemon (MySQL's and MariaDB's lists agree in these).
 * Numbers that are not here are BACKUP_REFUSED: tried again from the checkpoint, since most pass.
 */
export const BACKUP_FAULTS: Readonly<Record<number, Fault>> = {
  // Tried again: somebody else was in the way, or the server is ill for a while.
  1205: { code: 'BACKUP_REFUSED' }, // lock wait timeout
  1213: { code: 'BACKUP_REFUSED' }, // deadlock
  1021: DISK_FULL,
  1114: DISK_FULL, // table is full
  3675: DISK_FULL, // MySQL: out of disk space for the table's tablespace
  1290: READ_ONLY, // --read-only, --super-read-only
  1792: READ_ONLY, // read-only transaction
  1836: READ_ONLY,
  1040: { code: 'BACKUP_UNREACHABLE' }, // too many connections
  1203: { code: 'BACKUP_UNREACHABLE' }, // too many connections of this user
  1053: { code: 'BACKUP_UNREACHABLE' }, // shutdown
  1317: { code: 'BACKUP_UNREACHABLE' }, // the statement was interrupted: KILL
  1927: { code: 'BACKUP_UNREACHABLE' }, // MariaDB: the connection was killed
  4031: { code: 'BACKUP_UNREACHABLE' }, // MySQL: disconnected after wait_timeout
  // A backup table that was dropped is made again by the next session.
  1146: { code: 'BACKUP_REFUSED' },
  // Somebody is needed.
  1153: { code: 'PACKET_TOO_LARGE' },
  1054: ALTERED, // unknown column
  1136: ALTERED, // column count
  1264: ALTERED, // out of range
  1364: ALTERED, // a column without default
  1366: ALTERED, // a value that the column's character set or type cannot take
  1406: ALTERED, // data too long
  1062: { code: 'INTERNAL', fix: 'The log already holds what was to be written: it was edited by hand, or this is a fault of binlog-undo. Please report it.' },
};

/** Of a refused statement: what it does and to which table. */
const SHOWN_LETTERS = 160;
/** Literals in either quotes; one that the cut has left open goes on to the end. */
const LITERALS = /'(?:[^'\\]|\\.|'')*(?:'|\\?$)|"(?:[^"\\]|\\.|"")*(?:"|\\?$)/gs;

/** The begin of what the driver sent, without the text in it, which may be anybody's data; empty when it does not tell. */
function statementOf(error: unknown): string {
  if (!(error instanceof Error && 'sql' in error && typeof error.sql === 'string')) return '';
  const shown = error.sql.slice(0, 10 * SHOWN_LETTERS).replace(LITERALS, '?').replace(/\s+/g, ' ').trim();
  return shown.length > SHOWN_LETTERS ? `${shown.slice(0, SHOWN_LETTERS)}…` : shown;
}

/** Names what the drivers threw: without a code of ours it comes from the backup server. */
export function backupError(endpoint: ServerEndpoint, error: unknown): UndoError {
  if (error instanceof UndoError) return error;
  const number = serverErrorNumber(error);
  const known = connectionError(endpoint, error);
  if (number === null || known.code === 'BACKUP_ACCESS_DENIED') return known;
  const fault = BACKUP_FAULTS[number] ?? { code: isConnectionLost(error) ? 'BACKUP_UNREACHABLE' : 'BACKUP_REFUSED' };
  const statement = statementOf(error);
  return new UndoError(fault.code, `The backup server at ${hostPort(endpoint)} refused a statement (error ${number}): ${reasonOf(error)}${statement && `, in ${statement}`}.`, {
    ...(fault.fix !== undefined && { fix: fault.fix }), cause: error,
  });
}
