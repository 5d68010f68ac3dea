import './formats.ts';
import type { FormatName } from './formats.ts';

export const ENV_PREFIX = 'BINLOG_UNDO_';

/** Names the configuration file; the one name that has no key of its own. */
export const ENV_CONFIG_FILE = `${ENV_PREFIX}CONFIG`;

interface Setting<T> {
  readonly doc: string;
  readonly format: FormatName | readonly string[];
  readonly default: T;
  readonly env: string;
  readonly sensitive?: true;
  readonly nullable?: true;
  /** Settings that only the daemon reads; other commands have no flag for them. */
  readonly daemon?: true;
}

const setting = <T>(described: Setting<T>): Setting<T> => described;

const server = (name: 'SOURCE' | 'BACKUP', who: string) => ({
  host: setting<string>({ doc: `Host of ${who}.`, format: 'host', default: '', env: `BINLOG_UNDO_${name}_HOST` }),
  port: setting<number>({ doc: `Port of ${who}.`, format: 'serverPort', default: 3306, env: `BINLOG_UNDO_${name}_PORT` }),
  user: setting<string>({ doc: `Account on ${who}.`, format: 'text', default: '', env: `BINLOG_UNDO_${name}_USER` }),
  password: setting<string>({
    doc: 'Its password. A flag is visible in the process list: prefer the environment or the file.',
    format: 'text', default: '', env: `BINLOG_UNDO_${name}_PASSWORD`, sensitive: true,
  }),
  passwordFile: setting<string>({
    doc: 'A file that holds the password, read again at each connect; a trailing line end is ignored.',
    format: 'text', default: '', env: `BINLOG_UNDO_${name}_PASSWORD_FILE`,
  }),
  tls: {
    enabled: setting<boolean>({ doc: `Encrypt the connections to ${who}; a server without TLS is then refused.`, format: 'switch', default: false, env: `BINLOG_UNDO_${name}_TLS_ENABLED` }),
    ca: setting<string>({ doc: 'PEM file with the certificate authority; empty: the authorities that Node.js knows.', format: 'text', default: '', env: `BINLOG_UNDO_${name}_TLS_CA` }),
    cert: setting<string>({ doc: 'PEM file with the client certificate.', format: 'text', default: '', env: `BINLOG_UNDO_${name}_TLS_CERT` }),
    key: setting<string>({ doc: 'PEM file with the key of the client certificate.', format: 'text', default: '', env: `BINLOG_UNDO_${name}_TLS_KEY` }),
    verify: setting<boolean>({ doc: "Check the server's certificate and host name.", format: 'switch', default: true, env: `BINLOG_UNDO_${name}_TLS_VERIFY` }),
  },
});

/** Every setting there is. Keys of the file, names in the environment and long options all follow from this table. */
export const SCHEMA = {
  source: {
    ...server('SOURCE', 'the server whose binlog is read'),
    alias: setting<string>({
      doc: 'The name under which the source is known everywhere, kept through failover; it also replaces the host in the names of the backup databases. Empty: host:port.',
      format: 'alias', default: '', env: 'BINLOG_UNDO_SOURCE_ALIAS',
    }),
    serverId: setting<number | null>({
      doc: 'The server id that we register with as a replica of the source; no other replica may have it. Empty: derived from the alias.',
      format: 'serverId', default: null, nullable: true, env: 'BINLOG_UNDO_SOURCE_SERVER_ID',
    }),
  },
  backup: server('BACKUP', 'the server that holds the undo log'),
  ledger: setting<string>({ doc: 'Database of the ledger on the backup server.', format: 'databaseName', default: 'binlog_undo', env: 'BINLOG_UNDO_LEDGER' }),
  startPosition: setting<string>({
    doc: 'Where to begin when the ledger has no checkpoint yet: earliest, latest, file:offset or a GTID set.',
    format: 'startPosition', default: 'latest', env: 'BINLOG_UNDO_START_POSITION', daemon: true,
  }),
  includeDatabases: setting<string[]>({
    doc: 'Capture only these databases (exact names; commas between them in the environment). Empty: all.',
    format: 'databaseList', default: [], env: 'BINLOG_UNDO_INCLUDE_DATABASE', daemon: true,
  }),
  includeTables: setting<string[]>({
    doc: 'Capture only these tables (database.table; a part that holds a dot goes in backquotes), beside what includeDatabases names. Empty: all.',
    format: 'tableList', default: [], env: 'BINLOG_UNDO_INCLUDE_TABLE', daemon: true,
  }),
  excludeDatabases: setting<string[]>({
    doc: 'Do not capture these databases; wins over the include lists.',
    format: 'databaseList', default: [], env: 'BINLOG_UNDO_EXCLUDE_DATABASE', daemon: true,
  }),
  excludeTables: setting<string[]>({
    doc: 'Do not capture these tables; wins over the include lists.',
    format: 'tableList', default: [], env: 'BINLOG_UNDO_EXCLUDE_TABLE', daemon: true,
  }),
  skipCopies: setting<boolean>({
    doc: 'Count the rows that gh-ost and pt-online-schema-change write to the copy of a table (_t_gho, _t_new) and to their own log (_t_ghc), and do not store them; false: capture them like all others. See docs/ddl.md.',
    format: 'switch', default: true, env: 'BINLOG_UNDO_SKIP_COPIES', daemon: true,
  }),
  onGap: setting<string>({
    doc: 'What to do when the source has lost history that the log still needs: stop, or record the gap and go on.',
    format: ['stop', 'record'], default: 'stop', env: 'BINLOG_UNDO_ON_GAP', daemon: true,
  }),
  admin: {
    host: setting<string>({ doc: 'Address that the HTTP API listens on. Anything but loopback needs a token and TLS (or admin.allowPlain).', format: 'host', default: '127.0.0.1', env: 'BINLOG_UNDO_ADMIN_HOST', daemon: true }),
    port: setting<number>({ doc: 'Port of the HTTP API; 0: no API.', format: 'listenPort', default: 8780, env: 'BINLOG_UNDO_ADMIN_PORT', daemon: true }),
    token: setting<string>({ doc: 'Bearer token of the HTTP API.', format: 'text', default: '', env: 'BINLOG_UNDO_ADMIN_TOKEN', sensitive: true, daemon: true }),
    tokenFile: setting<string>({ doc: 'A file that holds the token.', format: 'text', default: '', env: 'BINLOG_UNDO_ADMIN_TOKEN_FILE', daemon: true }),
    tokensFile: setting<string>({
      doc: 'JSON file with the tokens of several people or programs: name, sha256 of the token, and the sources, schemas and access (read or script) it is for; read again when it changes. See docs/operations.md.',
      format: 'text', default: '', env: 'BINLOG_UNDO_ADMIN_TOKENS_FILE', daemon: true,
    }),
    allowPlain: setting<boolean>({ doc: 'Speak plain HTTP beyond loopback: tokens and rows then cross the network unencrypted, unless something else encrypts it.', format: 'switch', default: false, env: 'BINLOG_UNDO_ADMIN_ALLOW_PLAIN', daemon: true }),
    tls: {
      cert: setting<string>({ doc: 'PEM file with the certificate of the HTTP API, which speaks TLS then; empty: plain HTTP. Read again when it changes, as the other TLS files.', format: 'text', default: '', env: 'BINLOG_UNDO_ADMIN_TLS_CERT', daemon: true }),
      key: setting<string>({ doc: 'PEM file with its key.', format: 'text', default: '', env: 'BINLOG_UNDO_ADMIN_TLS_KEY', daemon: true }),
      clientCa: setting<string>({ doc: 'PEM file with the authority of client certificates: clients without one are then refused, beside the token.', format: 'text', default: '', env: 'BINLOG_UNDO_ADMIN_TLS_CLIENT_CA', daemon: true }),
    },
    maxScripts: setting<number>({ doc: 'Scripts that the HTTP API writes at a time; a further request is refused with status 429.', format: 'smallCount', default: 4, env: 'BINLOG_UNDO_ADMIN_MAX_SCRIPTS', daemon: true }),
  },
  metrics: {
    port: setting<number>({ doc: 'Port of /metrics, on the address of the HTTP API; 0: none.', format: 'listenPort', default: 0, env: 'BINLOG_UNDO_METRICS_PORT', daemon: true }),
  },
  kafka: {
    brokers: setting<string[]>({ doc: 'Kafka brokers to send the log to, as host:port. Empty: nothing is sent.', format: 'brokerList', default: [], env: 'BINLOG_UNDO_KAFKA_BROKERS', daemon: true }),
    topicPrefix: setting<string>({ doc: 'Begin of the topics: PREFIX.DATABASE.TABLE; DDL, gaps and notes go to PREFIX itself.', format: 'topicPrefix', default: 'binlog_undo', env: 'BINLOG_UNDO_KAFKA_TOPIC_PREFIX', daemon: true }),
    topics: setting<string>({ doc: 'A topic for each table, or all records in the single topic PREFIX.', format: ['table', 'single'], default: 'table', env: 'BINLOG_UNDO_KAFKA_TOPICS', daemon: true }),
    maxRecordBytes: setting<number>({ doc: 'Largest record; keep it below what the brokers take (message.max.bytes).', format: 'byteCount', default: 1_000_000, env: 'BINLOG_UNDO_KAFKA_MAX_RECORD_BYTES', daemon: true }),
    onLarge: setting<string>({ doc: 'What to do with a larger record: stop before it (capture goes on), or skip it with a note on the topic PREFIX.', format: ['stop', 'skip'], default: 'stop', env: 'BINLOG_UNDO_KAFKA_ON_LARGE', daemon: true }),
    transactionMetadata: setting<boolean>({ doc: 'Send a record for the begin and the end of each transaction, to the topic PREFIX.transaction.', format: 'switch', default: false, env: 'BINLOG_UNDO_KAFKA_TRANSACTION_METADATA', daemon: true }),
    mask: setting<string[]>({
      doc: 'Columns that leave for Kafka without their values, as database.table.column=null or =hash; * stands for anything in a name. The statement text is then left out of every record. The log itself stays whole: without it nothing could be undone.',
      format: 'maskList', default: [], env: 'BINLOG_UNDO_KAFKA_MASK', daemon: true,
    }),
    maskSalt: setting<string>({ doc: 'Secret that keys the hashes of masked columns; needed with kafka.mask. Another one makes other hashes, also in the keys of records.', format: 'text', default: '', env: 'BINLOG_UNDO_KAFKA_MASK_SALT', sensitive: true, daemon: true }),
    maskSaltFile: setting<string>({ doc: 'A file that holds it.', format: 'text', default: '', env: 'BINLOG_UNDO_KAFKA_MASK_SALT_FILE', daemon: true }),
    tls: {
      enabled: setting<boolean>({ doc: 'Encrypt the connections to Kafka.', format: 'switch', default: false, env: 'BINLOG_UNDO_KAFKA_TLS_ENABLED', daemon: true }),
      ca: setting<string>({ doc: 'PEM file with the certificate authority; empty: the authorities that Node.js knows.', format: 'text', default: '', env: 'BINLOG_UNDO_KAFKA_TLS_CA', daemon: true }),
      verify: setting<boolean>({ doc: "Check the brokers' certificates.", format: 'switch', default: true, env: 'BINLOG_UNDO_KAFKA_TLS_VERIFY', daemon: true }),
    },
    sasl: {
      mechanism: setting<string>({ doc: 'How to log in to Kafka.', format: ['none', 'plain', 'scram-sha-256', 'scram-sha-512'], default: 'none', env: 'BINLOG_UNDO_KAFKA_SASL_MECHANISM', daemon: true }),
      user: setting<string>({ doc: 'Account on Kafka.', format: 'text', default: '', env: 'BINLOG_UNDO_KAFKA_SASL_USER', daemon: true }),
      password: setting<string>({ doc: 'Its password.', format: 'text', default: '', env: 'BINLOG_UNDO_KAFKA_SASL_PASSWORD', sensitive: true, daemon: true }),
      passwordFile: setting<string>({ doc: 'A file that holds the password, read again at each connect.', format: 'text', default: '', env: 'BINLOG_UNDO_KAFKA_SASL_PASSWORD_FILE', daemon: true }),
    },
  },
  logLevel: setting<string>({ doc: 'Least level of log lines.', format: ['debug', 'info', 'warn', 'error'], default: 'info', env: 'BINLOG_UNDO_LOG_LEVEL' }),
  projection: {
    enabled: setting<boolean>({ doc: 'Write the goInception tables from the log.', format: 'switch', default: true, env: 'BINLOG_UNDO_PROJECTION_ENABLED', daemon: true }),
    ddl: setting<boolean>({ doc: 'Write the undo of DDL into the goInception tables too, where the definitions before and after it are known.', format: 'switch', default: true, env: 'BINLOG_UNDO_PROJECTION_DDL', daemon: true }),
    pack: setting<number>({
      doc: 'Most rollback statements of one operation in a row of its backup table, a line each; 1: a row for each changed row, as goInception writes.',
      format: 'smallCount', default: 1, env: 'BINLOG_UNDO_PROJECTION_PACK', daemon: true,
    }),
  },
  retention: {
    days: setting<number>({ doc: 'Days that history is kept; 0: for ever.', format: 'days', default: 7, env: 'BINLOG_UNDO_RETENTION_DAYS' }),
    maxBytes: setting<string>({
      doc: "Most bytes that the source's part of the ledger and its backup tables may take, as the backup server's statistics show them: 500G, 2T or a number. Older history goes first. Empty: no cap.",
      format: 'byteSize', default: '', env: 'BINLOG_UNDO_RETENTION_MAX_BYTES',
    }),
    overrides: setting<string[]>({
      doc: 'Other numbers of days for some databases and tables, as database=30 or database.table=1; a longer time keeps the row images, a shorter one removes the backup rows sooner.',
      format: 'retentionList', default: [], env: 'BINLOG_UNDO_RETENTION_OVERRIDE',
    }),
    shrinkAbove: setting<string>({
      doc: 'Rebuild a table of the log (OPTIMIZE TABLE, online) after removing history, once so many bytes and half of its file are free: the file system gets them back. Empty: never.',
      format: 'byteSize', default: '256M', env: 'BINLOG_UNDO_RETENTION_SHRINK_ABOVE',
    }),
    historyDays: setting<number>({
      doc: 'Days that the history of plans and scripts is kept (binlog-undo scripts); 0: for ever.', format: 'days', default: 365, env: 'BINLOG_UNDO_RETENTION_HISTORY_DAYS',
    }),
    historyEntries: setting<number>({
      doc: 'Most plans and scripts in that history, of all sources of the ledger; 0: no such bound.', format: 'entries', default: 100_000, env: 'BINLOG_UNDO_RETENTION_HISTORY_ENTRIES',
    }),
    intervalSeconds: setting<number>({
      doc: 'Seconds between two runs of retention in the daemon, the first after five minutes at the latest; 0: never, binlog-undo purge does it.',
      format: 'seconds', default: 3600, env: 'BINLOG_UNDO_RETENTION_INTERVAL_SECONDS', daemon: true,
    }),
  },
  statementTextLimit: setting<number>({
    doc: "Bytes of SQL text kept in the information table's sql_statement; the ledger keeps the whole text.",
    format: 'byteCount', default: 16_384, env: 'BINLOG_UNDO_STATEMENT_TEXT_LIMIT', daemon: true,
  }),
  updateForm: setting<string>({
    doc: "Columns that the undo of an UPDATE sets: those that changed, or all (goInception's form).",
    format: ['changed', 'full'], default: 'changed', env: 'BINLOG_UNDO_UPDATE_FORM',
  }),
};

type Plain<T> = T extends { default: infer D } ? D : { [K in keyof T]: Plain<T[K]> };

/** The values of all settings, in the shape of the schema. */
export type Values = Plain<typeof SCHEMA>;

/** One setting as documentation and the loader need it. */
export interface SettingInfo extends Setting<unknown> {
  /** The key in the file, dotted. */
  readonly path: string;
  /** The long option, without dashes. */
  readonly flag: string;
  readonly list: boolean;
}

function collect(node: object, path: string): SettingInfo[] {
  if ('default' in node && 'env' in node) {
    // Only settings have both: groups are made of settings and groups.
    const found = node as Setting<unknown>;
    const flag = found.env.slice(ENV_PREFIX.length).toLowerCase().replaceAll('_', '-');
    return [{ ...found, path, flag, list: Array.isArray(found.default) }];
  }
  return Object.entries(node).flatMap(([key, child]) => collect(child as object, path === '' ? key : `${path}.${key}`));
}

export const SETTINGS: readonly SettingInfo[] = collect(SCHEMA, '');

/**
 * The long options of the configuration, for `parseArgs` of node:util. Every option takes a value; lists may be repeated.
 * @param scope `daemon` gives all; `common` leaves out what only the daemon reads, so that other commands can use those names.
 */
export function flagOptions(scope: 'daemon' | 'common'): Record<string, { type: 'string'; multiple: boolean }> {
  const chosen = SETTINGS.filter((setting) => scope === 'daemon' || setting.daemon !== true);
  return Object.fromEntries(chosen.map((setting) => [setting.flag, { type: 'string', multiple: setting.list }]));
}
