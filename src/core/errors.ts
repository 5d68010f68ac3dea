/**
 * Every error a user can meet: the code, what exit status and HTTP status it gives, and what the operator does.
 * This table is the documentation: `docs/errors.md` is generated from it and a test compares the two.
 */
export const ERRORS = {
  // usage
  CONFIG_UNKNOWN_KEY: { exit: 2, http: 400, fix: 'Remove the key, or correct its spelling: docs/configuration.md lists all of them.' },
  CONFIG_INVALID: { exit: 2, http: 400, fix: 'Correct the value as the message says.' },
  CONFIG_BACKUP_MISSING: { exit: 2, http: 400, fix: 'Set BINLOG_UNDO_BACKUP_HOST (and _PORT, _USER, _PASSWORD) to the server that is to hold the undo log.' },
  USAGE: { exit: 2, http: 400, fix: 'See binlog-undo --help.' },
  POSITION_INVALID: { exit: 2, http: 400, fix: 'Give a position as file:offset, for example binlog.000012:4 (SHOW BINARY LOG STATUS or SHOW MASTER STATUS prints both).' },
  DATETIME_INVALID: { exit: 2, http: 400, fix: 'Give a time as 2026-11-20T14:05:00Z or with an offset; on the command line also "2026-11-20 14:05:00" (local time).' },
  RANGE_INVERTED: { exit: 2, http: 400, fix: 'Give a stop after the start.' },
  POSITION_AMBIGUOUS: { exit: 2, http: 400, fix: 'Say which with --incarnation NUMBER (HTTP: incarnation), or give the range by time or GTIDs.' },
  POSITION_INSIDE_TRANSACTION: { exit: 2, http: 400, fix: 'Use one of the transaction bounds that the message names.' },
  SOURCE_AMBIGUOUS: { exit: 2, http: 400, fix: 'Name one source with --source (HTTP: source=ALIAS).' },
  SOURCE_UNKNOWN: { exit: 2, http: 404, fix: 'Use one of the aliases that the message lists.' },
  TABLE_UNKNOWN: { exit: 2, http: 404, fix: 'Check the spelling of database and table; binlog-undo find lists what the log holds.' },
  OPID_UNKNOWN: { exit: 2, http: 404, fix: 'Take the opid from binlog-undo find or from the information table.' },
  GAP_UNKNOWN: { exit: 2, http: 404, fix: 'Take the id from binlog-undo gaps.' },
  SCRIPT_UNKNOWN: { exit: 2, http: 404, fix: 'Take the id from binlog-undo scripts, or from the head of the script.' },
  SCRIPT_CANCELLED: { exit: 1, http: 409, fix: 'Ask for it again: what was sent has no COMMIT and changes nothing.' },
  UNAUTHORIZED: { exit: 1, http: 401, fix: 'Send the token as "Authorization: Bearer TOKEN".' },
  FORBIDDEN: { exit: 1, http: 403, fix: 'Ask with a token whose scope covers it, or narrow the request to the scope of this one.' },
  TOO_MANY: { exit: 1, http: 429, fix: 'Try again when one has ended; binlog-undo scripts (HTTP: /v1/scripts) lists those under way.' },
  // connections and accounts
  SOURCE_UNREACHABLE: { exit: 1, http: 503, fix: 'Check host, port and network between this machine and the source server.' },
  SOURCE_ACCESS_DENIED: { exit: 1, http: 503, fix: 'Check BINLOG_UNDO_SOURCE_USER and its password; binlog-undo check prints the CREATE USER and GRANT statements.' },
  BACKUP_UNREACHABLE: { exit: 1, http: 503, fix: 'Check host, port and network between this machine and the backup server.' },
  BACKUP_ACCESS_DENIED: { exit: 1, http: 503, fix: 'Check BINLOG_UNDO_BACKUP_USER and its password; binlog-undo check prints the CREATE USER and GRANT statements.' },
  BACKUP_REFUSED: { exit: 1, http: 503, fix: 'The message is the server\'s own; binlog-undo check tests rights and settings. The daemon goes on from the checkpoint by itself.' },
  SOURCE_NOT_READY: { exit: 1, http: 503, fix: 'Run binlog-undo check: it prints each fault with the SQL that mends it.' },
  BACKUP_NOT_READY: { exit: 1, http: 503, fix: 'Run binlog-undo check: it prints each fault with the SQL that mends it.' },
  SERVER_ID_TAKEN: { exit: 1, http: 503, fix: 'Set BINLOG_UNDO_SOURCE_SERVER_ID to a number that no replica of this source uses.' },
  STREAM_ENDED: { exit: 1, http: 503, fix: 'The source closed the binlog stream; the daemon reconnects by itself.' },
  STREAM_SILENT: { exit: 1, http: 503, fix: 'Nothing arrived for three heartbeat periods; the daemon reconnects by itself. Check the network if it repeats.' },
  STREAM_REFUSED: { exit: 1, http: 503, fix: 'The source refused the binlog dump; the message is its own.' },
  BINLOG_PURGED: { exit: 3, http: 409, fix: 'The history between the checkpoint and the oldest binlog file is gone on the source. Start again with BINLOG_UNDO_ON_GAP=record to record the gap and go on.' },
  // stream contents
  EVENT_CORRUPT: { exit: 1, http: 500, fix: 'The event failed its CRC32 or does not parse. Check the source with mysqlbinlog --verify-binlog-checksum at the position named. If it stays so, binlog-undo skip goes on behind it and records the gap.' },
  EVENT_UNSUPPORTED: { exit: 3, http: 500, fix: 'This release cannot read the event. Upgrade, or switch the named server option off for new transactions. binlog-undo skip goes on behind it and records the gap.' },
  DEFINITION_UNKNOWN: { exit: 3, http: 409, fix: 'The columns of the table at that position are not known; set binlog_row_metadata=FULL on the source so that the binlog carries them.' },
  // store
  LEDGER_MISSING: { exit: 1, http: 503, fix: 'Start binlog-undo run once: it creates the ledger.' },
  LEDGER_VERSION: { exit: 1, http: 503, fix: 'Use a binlog-undo release that knows this ledger version.' },
  LEDGER_DAMAGED: { exit: 1, http: 503, fix: 'The ledger is not as this program left it: the message says what was found, what was expected, and the statement that mends it.' },
  LEADER_LOST: { exit: 1, http: 503, fix: 'Another daemon took over this source; this one stops writing. Run one daemon per source, or let it stand by.' },
  LEADER_HELD: { exit: 1, http: 503, fix: 'Another daemon is capturing this source: stop it first.' },
  INCARNATION_CHANGED: { exit: 3, http: 409, fix: 'The source is not the server whose binlog the checkpoint belongs to. Give the new server its own alias, or start with BINLOG_UNDO_ON_GAP=record.' },
  BACKUP_TABLE_FOREIGN: { exit: 1, http: 500, fix: 'The backup table named does not have the goInception columns; rename it away.' },
  BACKUP_DATABASE_CLAIMED: { exit: 1, http: 500, fix: 'Set a distinct BINLOG_UNDO_SOURCE_ALIAS so that both sources get backup databases of their own.' },
  BACKUP_NAME_TOO_LONG: { exit: 1, http: 500, fix: 'Set a short BINLOG_UNDO_SOURCE_ALIAS: host, port and schema together must fit into 64 bytes.' },
  PACKET_TOO_LARGE: { exit: 1, http: 500, fix: 'Raise max_allowed_packet on the backup server to the value named.' },
  PURGE_RUNNING: { exit: 1, http: 503, fix: 'Let it finish: the daemon or another binlog-undo purge or erase removes history of this source right now.' },
  ERASE_HELD: { exit: 1, http: 503, fix: 'Run binlog-undo erase again once that has ended; it goes on where it was.' },
  ERASE_UNREADABLE: { exit: 3, http: 409, fix: 'Nothing was erased. Where columns are not known the rows of one key cannot be told from others: remove that stretch with binlog-undo purge --before-opid.' },
  // scripts
  NOT_COVERED: { exit: 3, http: 409, fix: 'Choose a range inside what the log holds, or wait for it with --wait.' },
  GAP_IN_RANGE: { exit: 3, http: 409, fix: 'Choose a range beside the gap, or allow it with --allow gap: its changes will not be undone.' },
  NOT_UNDOABLE: { exit: 3, http: 409, fix: 'Leave the named table out with --exclude-table, or allow the loss with --allow dataloss.' },
  NOT_ATOMIC: { exit: 3, http: 409, fix: 'A table in range is not transactional, or DDL is undone as well, so the script cannot be all or nothing; allow it in sections, each checked before it runs, with --allow nonatomic, or leave the DDL out with --type INSERT --type UPDATE --type DELETE.' },
  CASCADE_NOT_LOGGED: { exit: 3, http: 409, fix: 'The binlog of this server does not hold what the foreign key did to the child rows: undo them by other means, leave the table out, or accept it with --allow cascade.' },
  TRIGGERS_WOULD_FIRE: { exit: 3, http: 409, fix: 'Have the rows put back as row events with --triggers skip, drop the triggers for the time of the undo, or allow them to fire with --allow trigger.' },
  DEFINITION_CHANGED: { exit: 3, http: 409, fix: 'The table has changed since in the column named, so that its rows do not fit any more. Change it back for the time of the undo, or leave the table out with --exclude-table.' },
  CONFLICT: { exit: 3, http: 409, fix: 'binlog-undo plan lists what changed the same rows since. Where it changed other columns only, --mode nocascade-force is safe, since its guard looks; else undo it too with --mode cascade, or leave those rows out with --mode nonconflict-only.' },
  NO_MATCH: { exit: 3, http: 404, fix: 'Nothing in the range matches the filters; binlog-undo find shows what the log holds.' },
  KAFKA_UNREACHABLE: { exit: 1, http: 503, fix: 'Check BINLOG_UNDO_KAFKA_BROKERS and the network. The daemon tries again by itself; capture goes on, and nothing is lost.' },
  KAFKA_REFUSED: { exit: 1, http: 503, fix: 'Check the account on Kafka, its rights to create and write the topics, and the topic prefix. The daemon tries again by itself; capture goes on.' },
  KAFKA_RECORD_TOO_LARGE: { exit: 1, http: 503, fix: 'Raise BINLOG_UNDO_KAFKA_MAX_RECORD_BYTES and the brokers\' message.max.bytes, or set BINLOG_UNDO_KAFKA_ON_LARGE=skip. Nothing is sent until then; capture goes on.' },
  INTERNAL: { exit: 1, http: 500, fix: 'This is a fault of binlog-undo: please report it with the message and the log lines around it.' },
} as const satisfies Record<string, { exit: 1 | 2 | 3; http: number; fix: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error meant for the operator: one line, a stable code, and the way out. Never carries secrets. */
export class UndoError extends Error {
  readonly code: ErrorCode;
  readonly fix: string;
  /** For programs: members that problem+json gets beside the message. */
  readonly details: Readonly<Record<string, unknown>>;

  /** @param fix overrides the table's general fix with one that names the exact statement or value. */
  constructor(code: ErrorCode, message: string, options: { fix?: string; cause?: unknown; details?: Readonly<Record<string, unknown>> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UndoError';
    this.code = code;
    this.fix = options.fix ?? ERRORS[code].fix;
    this.details = options.details ?? {};
  }

  get exitCode(): 1 | 2 | 3 {
    return ERRORS[this.code].exit;
  }

  get httpStatus(): number {
    return ERRORS[this.code].http;
  }

  /** The one line shown to users. */
  oneLine(): string {
    return `${this.code}: ${this.message} ${this.fix}`.replace(/\s+/g, ' ');
  }
}

/** What a foreign error says, on one line, for use inside our own messages. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
}
