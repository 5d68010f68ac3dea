import type { Connection } from 'mysql2/promise';
import { UndoError, reasonOf } from './errors.ts';
import { row, rows, scalar, serverErrorNumber } from './mysql.ts';
import type { Position } from './position.ts';
import { identify, isAtLeast, judge, type Flavour, type ServerVersion, type Support } from './server-version.ts';

/**
 * What a server is and can do, asked once. Every difference between servers is a field here:
 * no other code compares versions. Settings are the global ones at the time of the probe.
 */
export interface ServerCapabilities {
  readonly flavour: Flavour;
  readonly version: ServerVersion;
  readonly support: Support;
  /** MySQL's server_uuid; null on MariaDB, which has none. */
  readonly serverUuid: string | null;
  readonly serverId: number;
  /** MariaDB's gtid_domain_id; null on MySQL. */
  readonly gtidDomainId: number | null;
  readonly gtid: 'mysql-on' | 'mysql-off' | 'mariadb';
  /** MariaDB 11.5+ writes the thread id into the GTID event; MySQL writes it into BEGIN; older MariaDB tells neither. */
  readonly threadIdFrom: 'begin' | 'gtid' | 'nowhere';
  /** FROM_UNIXTIME gives exactly its second also in the repeated hour of a DST zone; MariaDB 10.11 does not, 11.8 does (measured). */
  readonly exactFromUnixtime: boolean;
  readonly statements: {
    /** Prints the current binlog file and offset. */
    readonly binlogStatus: string;
    /** Lists the registered replicas. */
    readonly replicas: string;
    /** One row for each replication channel of this server. */
    readonly replicaStatus: string;
    /** Lists the XA transactions that are prepared, each XID in a form that is told apart from others. */
    readonly preparedXa: string;
  };
  /** Names of the variables that differ between flavours. */
  readonly variables: {
    readonly rowMetadata: 'binlog_row_metadata';
    readonly rowsQuery: 'binlog_rows_query_log_events' | 'binlog_annotate_row_events';
    readonly logReplicaUpdates: 'log_replica_updates' | 'log_slave_updates';
    readonly expiry: 'binlog_expire_logs_seconds' | 'expire_logs_days';
  };
  readonly logBin: boolean;
  readonly binlogFormat: string;
  readonly rowImage: string;
  /** FULL, MINIMAL or NO_LOG; null where the server has no such variable. */
  readonly rowMetadata: string | null;
  /** MySQL's binlog_row_value_options: empty, or PARTIAL_JSON. */
  readonly rowValueOptions: string;
  /** SQL text goes with the rows (ROWS_QUERY, ANNOTATE_ROWS). */
  readonly rowsQuery: boolean;
  /** NONE or CRC32: of new files; each file states its own. */
  readonly checksum: string;
  /** Seconds until a binlog file may be purged by age; null: never. */
  readonly expirySeconds: number | null;
  readonly logReplicaUpdates: boolean;
  readonly lowerCaseTableNames: number;
  readonly maxAllowedPacket: number;
  readonly readOnly: boolean;
  /** MySQL only: also accounts with SUPER may not write. */
  readonly superReadOnly: boolean;
  /** Has a replication channel; null when this account may not ask. */
  readonly isReplica: boolean | null;
  readonly globalSqlMode: string;
  /** Global time_zone, with SYSTEM resolved to the system's name. */
  readonly timeZone: string;
  /** This machine's clock plus this is the server's, in milliseconds; `clockUncertainty` is half the round trip. */
  readonly clockOffset: number;
  readonly clockUncertainty: number;
}

const VARIABLES = [
  'server_uuid', 'server_id', 'gtid_domain_id', 'gtid_mode', 'log_bin', 'binlog_format', 'binlog_row_image', 'binlog_row_metadata',
  'binlog_row_value_options', 'binlog_rows_query_log_events',
  'binlog_annotate_row_events', 'binlog_checksum', 'binlog_expire_logs_seconds', 'binlog_expire_logs_auto_purge', 'expire_logs_days',
  'log_replica_updates', 'log_slave_updates', 'lower_case_table_names', 'max_allowed_packet', 'read_only', 'super_read_only',
  'sql_mode', 'time_zone', 'system_time_zone', 'binlog_storage_engine', 'version_comment', 'aurora_version', 'memsql_version',
  'ndbinfo_version', 'wsrep_on',
];

/** Reads the global variables named; those that the server does not have are absent. */
async function globalVariables(connection: Connection, names: readonly string[]): Promise<Map<string, string>> {
  const found = await rows<{ Variable_name: string; Value: string }>(
    connection, `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names.map(() => '?').join(', ')})`, names,
  );
  return new Map(found.map((variable) => [variable.Variable_name.toLowerCase(), variable.Value]));
}

const isOn = (value: string | undefined): boolean => value !== undefined && /^(on|1|yes|true)$/i.test(value);

function expiry(variables: ReadonlyMap<string, string>): number | null {
  // MySQL can hold files back for good with auto_purge OFF; 0 means never in both variables.
  if (variables.has('binlog_expire_logs_auto_purge') && !isOn(variables.get('binlog_expire_logs_auto_purge'))) return null;
  const seconds = Number(variables.get('binlog_expire_logs_seconds') ?? 0);
  const days = Number(variables.get('expire_logs_days') ?? 0);
  return seconds > 0 ? seconds : days > 0 ? Math.round(days * 86_400) : null;
}

/**
 * Asks a server what it is. Needs no privilege, except that whether it is a replica stays unknown (null) without
 * REPLICATION CLIENT (MySQL) or REPLICA MONITOR (MariaDB).
 */
export async function probeServer(connection: Connection): Promise<ServerCapabilities> {
  const raw = await scalar<string>(connection, 'SELECT VERSION()') ?? '';
  const variables = await globalVariables(connection, VARIABLES);
  const text = (name: string): string => variables.get(name) ?? '';
  const { flavour, version } = identify(raw, variables);
  const maria = flavour === 'mariadb';
  const atLeast = (major: number, minor: number, patch = 0): boolean => isAtLeast(version, major, minor, patch);
  const replicaWords = !maria && atLeast(8, 0, 22);
  const statements = {
    binlogStatus: !maria && atLeast(8, 2) ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS',
    replicas: replicaWords ? 'SHOW REPLICAS' : 'SHOW SLAVE HOSTS',
    replicaStatus: maria ? 'SHOW ALL SLAVES STATUS' : replicaWords ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS',
    preparedXa: maria ? "XA RECOVER FORMAT='SQL'" : 'XA RECOVER CONVERT XID',
  };
  return {
    flavour,
    version,
    support: judge(flavour, version, variables),
    serverUuid: variables.get('server_uuid') ?? null,
    serverId: Number(text('server_id')),
    gtidDomainId: maria ? Number(text('gtid_domain_id')) : null,
    gtid: maria ? 'mariadb' : text('gtid_mode').toUpperCase() === 'ON' ? 'mysql-on' : 'mysql-off',
    threadIdFrom: !maria ? 'begin' : atLeast(11, 5) ? 'gtid' : 'nowhere',
    exactFromUnixtime: maria && atLeast(11, 8),
    statements,
    variables: {
      rowMetadata: 'binlog_row_metadata',
      rowsQuery: maria ? 'binlog_annotate_row_events' : 'binlog_rows_query_log_events',
      logReplicaUpdates: variables.has('log_replica_updates') ? 'log_replica_updates' : 'log_slave_updates',
      expiry: variables.has('binlog_expire_logs_seconds') ? 'binlog_expire_logs_seconds' : 'expire_logs_days',
    },
    logBin: isOn(text('log_bin')),
    // The variable is deprecated in MySQL: a server without it writes rows only.
    binlogFormat: text('binlog_format').toUpperCase() || 'ROW',
    rowImage: text('binlog_row_image').toUpperCase() || 'FULL',
    rowMetadata: variables.get('binlog_row_metadata')?.toUpperCase() ?? null,
    rowValueOptions: text('binlog_row_value_options').toUpperCase(),
    rowsQuery: isOn(variables.get(maria ? 'binlog_annotate_row_events' : 'binlog_rows_query_log_events')),
    checksum: text('binlog_checksum').toUpperCase() || 'NONE',
    expirySeconds: expiry(variables),
    logReplicaUpdates: isOn(variables.get('log_replica_updates') ?? variables.get('log_slave_updates')),
    lowerCaseTableNames: Number(text('lower_case_table_names')),
    maxAllowedPacket: Number(text('max_allowed_packet')),
    readOnly: variables.has('read_only') && !/^(off|0)$/i.test(text('read_only')),
    superReadOnly: isOn(variables.get('super_read_only')),
    isReplica: await hasReplicationChannel(connection, statements.replicaStatus),
    globalSqlMode: text('sql_mode'),
    timeZone: text('time_zone').toUpperCase() === 'SYSTEM' ? text('system_time_zone') : text('time_zone'),
    ...(await clock(connection)),
  };
}

async function hasReplicationChannel(connection: Connection, statement: string): Promise<boolean | null> {
  try {
    return (await rows(connection, statement)).length > 0;
  } catch (error) {
    if (serverErrorNumber(error) === 1227) return null;
    throw error;
  }
}

/** The server's clock against ours: the answer of the shortest of three round trips, taken at its middle. */
async function clock(connection: Connection): Promise<{ clockOffset: number; clockUncertainty: number }> {
  let best = { clockOffset: 0, clockUncertainty: Number.POSITIVE_INFINITY };
  for (let i = 0; i < 3; i++) {
    const sent = performance.timeOrigin + performance.now();
    const stated = await scalar<string>(connection, 'SELECT UTC_TIMESTAMP(6)');
    const half = (performance.timeOrigin + performance.now() - sent) / 2;
    if (stated === null || half >= best.clockUncertainty) continue;
    // Date keeps milliseconds; the rest of the microseconds is below what a round trip can tell.
    const offset = Date.parse(`${stated.slice(0, 23).replace(' ', 'T')}Z`) - (Date.now() - half);
    best = { clockOffset: Math.round(offset), clockUncertainty: Math.max(1, Math.ceil(half)) };
  }
  return best;
}

/** The end of the source's binlog now, and the GTID set that belongs to exactly that place. */
export interface BinlogEnd extends Position {
  /** MySQL: Executed_Gtid_Set (empty when GTIDs are off); MariaDB: the GTID position, one GTID per domain. */
  readonly gtid: string;
}

/**
 * @throws UndoError SOURCE_NOT_READY when the server writes no binlog, SOURCE_ACCESS_DENIED without REPLICATION CLIENT
 *   (BINLOG MONITOR on MariaDB).
 */
export async function currentBinlogPosition(connection: Connection, capabilities: ServerCapabilities): Promise<BinlogEnd> {
  const status = await binlogStatus(connection, capabilities);
  if (status === null) throw new UndoError('SOURCE_NOT_READY', 'The source server writes no binlog (log_bin is off).');
  const position = { file: status.File, offset: Number(status.Position) };
  if (capabilities.flavour === 'mysql') return { ...position, gtid: (status.Executed_Gtid_Set ?? '').replace(/\s+/g, '') };
  // The status and @@gtid_binlog_pos cannot be read in one step; this function answers for the place just read.
  const gtid = await scalar<string>(connection, 'SELECT BINLOG_GTID_POS(?, ?)', [position.file, position.offset]);
  return { ...position, gtid: gtid ?? '' };
}

async function binlogStatus(
  connection: Connection, capabilities: ServerCapabilities,
): Promise<{ File: string; Position: string | number; Executed_Gtid_Set?: string } | null> {
  try {
    return await row(connection, capabilities.statements.binlogStatus);
  } catch (error) {
    if (serverErrorNumber(error) !== 1227) throw error;
    const right = capabilities.flavour === 'mariadb' ? 'BINLOG MONITOR' : 'REPLICATION CLIENT';
    throw new UndoError('SOURCE_ACCESS_DENIED', `The account may not read the binlog position (${reasonOf(error)}).`, {
      fix: `GRANT ${right} ON *.* TO the account; binlog-undo check prints the statement.`,
      cause: error,
    });
  }
}
