import type { ServerCapabilities } from '../../core/server.ts';
import type { Collector, Mend } from './report.ts';

const DAY = 86_400;

/** The statement that changes a global variable for good, and the my.cnf line where the server has no SET PERSIST. */
export function setGlobal(capabilities: Pick<ServerCapabilities, 'flavour'>, variable: string, value: string): Mend {
  const maria = capabilities.flavour === 'mariadb';
  return {
    sql: [`SET ${maria ? 'GLOBAL' : 'PERSIST'} ${variable} = ${value};`],
    cnf: maria ? [`${variable} = ${value.replaceAll("'", '')}`] : [],
    text: null,
  };
}

const isOn = (value: boolean): string => (value ? 'ON' : 'OFF');

/** What the source writes into its binlog. */
export function checkSourceSettings(caps: ServerCapabilities, out: Collector): void {
  const on = 'source';
  out.test(!caps.logBin, {
    code: 'LOG_BIN', severity: 'fault', on, found: `log_bin = ${isOn(caps.logBin)}`,
    why: 'Without a binlog there is nothing to read.',
    mend: { cnf: ['log_bin = binlog', `server_id = ${caps.serverId || 1}`], text: 'Restart the source after the change.' },
  });
  out.test(caps.serverId === 0, {
    code: 'SERVER_ID', severity: 'fault', on, found: `server_id = ${caps.serverId}`,
    why: 'With server_id 0 the server refuses every replica, and this daemon reads the binlog as one.',
    mend: setGlobal(caps, 'server_id', '1'),
  });
  const newSessions = 'Sessions that are open now keep the old value until they reconnect.';
  out.test(caps.binlogFormat !== 'ROW', {
    code: 'BINLOG_FORMAT', severity: 'fault', on, found: `binlog_format = ${caps.binlogFormat}`,
    why: 'Only row images can be undone; a statement in the binlog does not tell what it changed.',
    mend: { ...setGlobal(caps, 'binlog_format', "'ROW'"), text: newSessions },
  });
  out.test(caps.rowImage !== 'FULL', {
    code: 'ROW_IMAGE', severity: 'fault', on, found: `binlog_row_image = ${caps.rowImage}`,
    why: 'Columns that are left out of the row image cannot be put back.',
    mend: { ...setGlobal(caps, 'binlog_row_image', "'FULL'"), text: newSessions },
  });
  checkRowMetadata(caps, out);
  if (caps.flavour === 'mysql') {
    out.test(caps.rowValueOptions.includes('PARTIAL_JSON'), {
      code: 'PARTIAL_JSON', severity: 'warning', on, found: `binlog_row_value_options = '${caps.rowValueOptions}'`,
      why: 'JSON columns are logged as differences: in tables without a key such updates cannot be undone.',
      mend: { ...setGlobal(caps, 'binlog_row_value_options', "''"), text: newSessions },
    });
  }
  out.test(!caps.rowsQuery, {
    code: 'SQL_TEXT', severity: 'warning', on, found: `${caps.variables.rowsQuery} = ${isOn(caps.rowsQuery)}`,
    why: 'The SQL text does not go with the rows, so operations show "not logged" in its place.',
    mend: { ...setGlobal(caps, caps.variables.rowsQuery, 'ON'), text: newSessions },
  });
  checkGtid(caps, out);
  checkThreadId(caps, out);
  out.test(caps.expirySeconds !== null && caps.expirySeconds < DAY, {
    code: 'EXPIRY', severity: 'warning', on, found: caps.expirySeconds === null ? 'binlog files are kept for ever' : `${caps.variables.expiry}: files are kept for ${caps.expirySeconds} s`,
    why: 'A daemon that is down for longer than the binlog is kept loses history for good; a day is the least.',
    mend: caps.variables.expiry === 'expire_logs_days' ? setGlobal(caps, 'expire_logs_days', '7') : setGlobal(caps, caps.variables.expiry, String(7 * DAY)),
  });
}

function checkRowMetadata(caps: ServerCapabilities, out: Collector): void {
  if (caps.rowMetadata === null) return;
  const carried = caps.rowMetadata === 'MINIMAL' ? 'types, signs and character sets, but no names' : 'types only: no signs, character sets or names';
  out.test(caps.rowMetadata !== 'FULL', {
    code: 'ROW_METADATA', severity: 'warning', on: 'source', found: `binlog_row_metadata = ${caps.rowMetadata}`,
    why: `The binlog carries ${carried}; the rest is read from information_schema, which shows today's tables only, so rows from before a table change that was not followed live cannot be undone.`,
    mend: setGlobal(caps, 'binlog_row_metadata', "'FULL'"),
  });
}

function checkGtid(caps: ServerCapabilities, out: Collector): void {
  out.test(caps.gtid === 'mysql-off', {
    code: 'GTID', severity: 'warning', on: 'source', found: caps.gtid === 'mariadb' ? 'GTIDs are always on (MariaDB)' : `gtid_mode is ${caps.gtid === 'mysql-on' ? 'ON' : 'not ON'}`,
    why: 'Without GTIDs the log cannot follow a failover to another server.',
    mend: {
      sql: [
        'SET PERSIST enforce_gtid_consistency = ON;',
        'SET PERSIST gtid_mode = OFF_PERMISSIVE;',
        'SET PERSIST gtid_mode = ON_PERMISSIVE;',
        'SET PERSIST gtid_mode = ON;',
      ],
      text: 'Before the last statement wait until SHOW STATUS LIKE \'Ongoing_anonymous_transaction_count\' is 0 here and on every replica.',
    },
  });
}

function checkThreadId(caps: ServerCapabilities, out: Collector): void {
  out.test(caps.threadIdFrom === 'nowhere', {
    code: 'THREAD_ID', severity: 'info', on: 'source', found: caps.threadIdFrom === 'nowhere' ? 'the binlog holds no thread ids' : `thread ids come from the ${caps.threadIdFrom === 'gtid' ? 'GTID event' : 'BEGIN event'}`,
    why: 'MariaDB writes the session of a transaction into the binlog since 11.5; before, thread_id is 0 and sessions cannot be told apart.',
    mend: { text: 'Nothing to set: it needs MariaDB 11.5 or later.' },
  });
}
