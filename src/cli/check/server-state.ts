import type { Connection } from 'mysql2/promise';
import { UndoError } from '../../core/errors.ts';
import { row, scalar, serverErrorNumber } from '../../core/mysql.ts';
import type { ServerCapabilities } from '../../core/server.ts';
import type { ReplicaIdentity } from '../../source/replica-identity.ts';
import { refuseTakenServerId } from '../../source/server-id.ts';
import type { Collector } from './report.ts';
import { setGlobal } from './source-settings.ts';

/** Whether the source's version is vouched for, and its part in a replication chain. */
export function checkSourceState(caps: ServerCapabilities, out: Collector): void {
  out.test(caps.support.level !== 'tested', {
    code: 'SOURCE_VERSION', severity: caps.support.level === 'refused' ? 'fault' : 'warning', on: 'source', found: `version ${caps.version.raw}`,
    why: caps.support.reason,
    mend: { text: 'The README lists the versions that are tested, and those that are refused.' },
  });
  if (caps.isReplica === true) {
    out.test(!caps.logReplicaUpdates, {
      code: 'LOG_REPLICA_UPDATES', severity: 'fault', on: 'source', found: `${caps.variables.logReplicaUpdates} = ${caps.logReplicaUpdates ? 'ON' : 'OFF'} on a replica`,
      why: 'A replica writes what it receives into its own binlog only with this option on.',
      mend: { cnf: [`${caps.variables.logReplicaUpdates} = ON`], text: 'Restart the source after the change.' },
    });
    out.add({
      code: 'SOURCE_IS_REPLICA', severity: 'info', on: 'source', found: 'the source has a replication channel',
      why: "Positions and commit order are this replica's own; scripts are run on its primary.",
    });
  }
  if (caps.readOnly) {
    out.add({
      code: 'SOURCE_READ_ONLY', severity: 'info', on: 'source', found: 'read_only = ON',
      why: 'Reading the binlog needs no write here; scripts are run on the primary.',
    });
  }
}

/** Databases that the source keeps out of its own binlog. */
export async function checkBinlogFilters(connection: Connection, caps: ServerCapabilities, out: Collector): Promise<void> {
  if (!caps.logBin) return;
  const status = await answer(row<{ Binlog_Do_DB: string; Binlog_Ignore_DB: string }>(connection, caps.statements.binlogStatus));
  if (status === null) return;
  const found = [status.Binlog_Do_DB && `binlog_do_db = ${status.Binlog_Do_DB}`, status.Binlog_Ignore_DB && `binlog_ignore_db = ${status.Binlog_Ignore_DB}`].filter(Boolean);
  out.test(found.length > 0, {
    code: 'BINLOG_FILTERS', severity: 'warning', on: 'source', found: found.join(', ') || 'all databases are in the binlog',
    why: 'Changes in databases that the source keeps out of its binlog cannot be undone.',
    mend: { text: 'Take the option out of the my.cnf of the source and restart it.' },
  });
}

/** Refuses nothing itself: tells whether our server id is free. */
export async function checkServerId(connection: Connection, caps: ServerCapabilities, identity: ReplicaIdentity, out: Collector): Promise<void> {
  try {
    await refuseTakenServerId(connection, caps, identity);
    out.pass('source', 'SERVER_ID_FREE', `server id ${identity.serverId} is free`);
  } catch (error) {
    if (error instanceof UndoError && error.code === 'SERVER_ID_TAKEN') {
      out.add({
        code: 'SERVER_ID_FREE', severity: 'fault', on: 'source', found: error.message,
        why: 'The server ends the connection of one of two replicas with the same id.', mend: { text: error.fix },
      });
      // A missing right is a finding of its own.
    } else if (serverErrorNumber(error) !== 1227) throw error;
  }
}

/** Whether the backup server takes writes, and statements of the size that the source can make. */
export function checkBackupState(caps: ServerCapabilities, source: ServerCapabilities | null, out: Collector): void {
  const on = 'backup';
  out.test(caps.support.level !== 'tested', {
    code: 'BACKUP_VERSION', severity: 'warning', on, found: `version ${caps.version.raw}`,
    why: caps.support.level === 'refused' ? 'The undo log has not been tested on this kind of server.' : caps.support.reason,
    mend: { text: 'The README lists the versions that are tested.' },
  });
  out.test(caps.isReplica !== false, {
    code: 'BACKUP_IS_REPLICA', severity: caps.isReplica === null ? 'info' : 'fault', on,
    found: caps.isReplica === null ? 'the account may not ask whether the backup server is a replica' : `the backup server ${caps.isReplica ? 'has a' : 'has no'} replication channel`,
    why: 'What is written on a replica breaks its replication or is lost with it.',
    mend: { text: 'On a replica: name its primary, or another server, as the backup server.' },
  });
  out.test(caps.readOnly || caps.superReadOnly, {
    code: 'BACKUP_READ_ONLY', severity: 'fault', on, found: `read_only = ${caps.readOnly ? 'ON' : 'OFF'}`,
    why: 'The undo log is written there.',
    mend: { sql: ['SET GLOBAL read_only = OFF;'], text: 'If the server is read-only on purpose, name another one as the backup server.' },
  });
  const least = Math.max(source?.maxAllowedPacket ?? 0, 16 * 1024 * 1024);
  out.test(caps.maxAllowedPacket < least, {
    code: 'MAX_ALLOWED_PACKET', severity: 'warning', on,
    found: `max_allowed_packet = ${caps.maxAllowedPacket}${source ? `, on the source ${source.maxAllowedPacket}` : ''}`,
    why: 'The undo of a row that the source accepts may be too large for the backup server.',
    mend: setGlobal(caps, 'max_allowed_packet', String(least)),
  });
}

/** What only both servers together tell. */
export function checkPair(source: ServerCapabilities, backup: ServerCapabilities, same: boolean, out: Collector): void {
  const values = `lower_case_table_names: source ${source.lowerCaseTableNames}, backup server ${backup.lowerCaseTableNames}`;
  out.test(source.lowerCaseTableNames === 0 && backup.lowerCaseTableNames !== 0, {
    code: 'LOWER_CASE_TABLE_NAMES', severity: 'warning', on: 'backup', found: values,
    why: 'Tables of the source whose names differ only in case would share one backup table.',
    mend: { text: 'The value is fixed when a data directory is made: use a backup server with lower_case_table_names = 0, or have no such tables.' },
  });
  out.test(same, {
    code: 'BACKUP_ON_SOURCE', severity: 'info', on: 'backup', found: same ? 'the backup server is the source' : 'the backup server is a server of its own',
    why: 'Each change is then written and binlogged there once more as undo data, replicas of the source get that too, and the loss of the server loses both.',
    mend: { text: 'Name another server as the backup server where that matters.' },
  });
}

/** One server's clock against this machine's. */
export function checkClock(on: 'source' | 'backup', caps: ServerCapabilities, out: Collector): void {
  out.test(Math.abs(caps.clockOffset) - caps.clockUncertainty > 1000, {
    code: `CLOCK_${on.toUpperCase()}`, severity: 'warning', on, found: `the clock is ${caps.clockOffset} ms off this machine's, known to ${caps.clockUncertainty} ms`,
    why: 'Lag is judged by both clocks, and times given to scripts are those of the source.',
    mend: { text: 'Let both machines follow the same time servers (NTP).' },
  });
}

/** True when both connections lead to the same server process, whatever host names were used. */
export async function isSameServer(source: Connection, backup: Connection): Promise<boolean> {
  const sql = "SELECT CONCAT_WS('|', @@hostname, @@port, @@datadir, @@socket)";
  return await scalar<string>(source, sql) === await scalar<string>(backup, sql);
}

/** The answer, or null when the account may not ask. */
async function answer<T>(question: Promise<T>): Promise<T | null> {
  try {
    return await question;
  } catch (error) {
    if (serverErrorNumber(error) === 1227) return null;
    throw error;
  }
}
