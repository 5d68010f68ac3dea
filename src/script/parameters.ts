/** One parameter of the requests that select from the log: the same for HTTP, the command line and the library. */
export interface ParameterInfo {
  readonly doc: string;
  readonly kind: 'text' | 'integer' | 'boolean';
  /** May be given several times; any of the values counts. */
  readonly repeat?: true;
  readonly values?: readonly string[];
  /** What stands for the value in help texts. */
  readonly placeholder: string;
}

/** What `allow` may name: each lets a script pass that is refused otherwise, and is told in its head. */
export const ALLOWANCES = ['gap', 'dataloss', 'trigger', 'nonatomic', 'cascade', 'replica'] as const;
export type Allowance = (typeof ALLOWANCES)[number];

/** How later changes that stand in the way of an undo are met. */
export const CONFLICT_MODES = ['nocascade', 'cascade', 'nonconflict-only', 'nocascade-force'] as const;
export type ConflictMode = (typeof CONFLICT_MODES)[number];

/** Which operations are meant. */
export const SELECTION_PARAMETERS = {
  source: { doc: 'Alias of the source; needed when the ledger holds several.', kind: 'text', placeholder: 'ALIAS' },
  start_position: { doc: 'Begin of the range, inclusive: file:offset between two transactions.', kind: 'text', placeholder: 'FILE:OFFSET' },
  stop_position: { doc: "End of the range, exclusive. Without any stop: the source's position now.", kind: 'text', placeholder: 'FILE:OFFSET' },
  incarnation: { doc: "Which life of the source's binlog the positions belong to, 1 for the first: asked for when a file name came again after a reset, restore or failover.", kind: 'integer', placeholder: 'NUMBER' },
  start_datetime: { doc: 'Begin of the range by commit time, inclusive: 2026-11-20T14:05:00Z or with an offset.', kind: 'text', placeholder: 'TIME' },
  stop_datetime: { doc: 'End of the range by commit time, exclusive.', kind: 'text', placeholder: 'TIME' },
  include_gtids: { doc: 'Only these transactions: a GTID set (MySQL) or a list of GTIDs (MariaDB).', kind: 'text', placeholder: 'GTIDS' },
  exclude_gtids: { doc: 'Not these transactions.', kind: 'text', placeholder: 'GTIDS' },
  opid: { doc: 'Only this operation, as find prints it.', kind: 'text', repeat: true, placeholder: 'OPID' },
  script: { doc: 'Only what this script of ours changed when it was applied; its id stands in its head. For the undo of an undo.', kind: 'text', repeat: true, placeholder: 'ID' },
  thread_id: { doc: 'Only what this session (connection id) did.', kind: 'integer', repeat: true, placeholder: 'ID' },
  user: { doc: 'Only sessions of this user, as far as they were observed; the plan names them, and counts what came from sessions that were not.', kind: 'text', placeholder: 'USER' },
  min_rows: { doc: 'Only operations, or transactions where those are listed, of at least so many rows.', kind: 'integer', placeholder: 'COUNT' },
  database: { doc: 'Only tables of this database.', kind: 'text', repeat: true, placeholder: 'NAME' },
  table: { doc: 'Only this table: database.table (backquotes around a part that holds a dot), or a name alone beside one database.', kind: 'text', repeat: true, placeholder: 'TABLE' },
  exclude_database: { doc: 'Not this database.', kind: 'text', repeat: true, placeholder: 'NAME' },
  exclude_table: { doc: 'Not this table.', kind: 'text', repeat: true, placeholder: 'TABLE' },
  type: { doc: 'Only operations of this type, as find shows it.', kind: 'text', repeat: true, values: ['INSERT', 'UPDATE', 'DELETE'], placeholder: 'TYPE' },
} as const satisfies Record<string, ParameterInfo>;

/** How the undo is made. */
export const SCRIPT_PARAMETERS = {
  mode: { doc: 'How later changes of the same rows are met. nocascade (the default): no script; cascade: undone as well; nonconflict-only: their rows are left out; nocascade-force: not looked for, the guard decides when the script runs.', kind: 'text', values: CONFLICT_MODES, placeholder: 'MODE' },
  format: { doc: 'script (the default); check: in its place SELECTs that list the rows which the script would not find as it needs them, and nothing when all match. They change nothing.', kind: 'text', values: ['script', 'check'], placeholder: 'FORMAT' },
  guard: { doc: 'changed: a row is only undone while it still holds what the undone change left; row: while no other column was changed either; none: whatever it holds.', kind: 'text', values: ['changed', 'row', 'none'], placeholder: 'GUARD' },
  update: { doc: 'What the undo of an UPDATE sets: the columns that changed, or all.', kind: 'text', values: ['changed', 'full'], placeholder: 'FORM' },
  form: { doc: 'multi (the default): rows of one transaction and table share statements where that is exact; single: one statement for each row.', kind: 'text', values: ['multi', 'single'], placeholder: 'FORM' },
  atomic: { doc: 'true: all or nothing (the default); false: a transaction for each transaction that is undone, newest first, until one fails.', kind: 'boolean', placeholder: 'true' },
  chunk_rows: { doc: 'A transaction for each so many rows, for servers that limit the size of transactions: neither all or nothing, nor at the bounds of the transactions undone.', kind: 'integer', placeholder: 'COUNT' },
  from_part: { doc: 'Go on with a script in parts that has stopped: leave out the parts before this one. Needs the same selection, with a stop.', kind: 'integer', placeholder: 'PART' },
  triggers: { doc: 'Tables with triggers. fire: undone by statements, which fire them again, so that this has to be allowed; skip: by row events, which fire none (BINLOG statements, for accounts that may run them).', kind: 'text', values: ['fire', 'skip'], placeholder: 'HOW' },
  target: { doc: 'source: the script fails on any server but the source or its successor; any: it does not look.', kind: 'text', values: ['source', 'any'], placeholder: 'TARGET' },
  allow: { doc: 'Lets a script pass that is refused for this reason.', kind: 'text', repeat: true, values: ALLOWANCES, placeholder: 'REASON' },
  once_table: { doc: 'A table on the source, as database.table with a column script CHAR(16) PRIMARY KEY: the script notes itself there in its own transaction, and a second run is refused before any change.', kind: 'text', placeholder: 'TABLE' },
  wait: { doc: 'Seconds to wait until the log reaches the stop. Default: 0, and 10 without a stop.', kind: 'integer', placeholder: 'SECONDS' },
  fail_if_empty: { doc: 'A range without a match is an error (NO_MATCH) instead of a script without statements.', kind: 'boolean', placeholder: '' },
} as const satisfies Record<string, ParameterInfo>;

/** Why the text of statements selects nothing that is undone. */
export const TEXT_FINDS_ONLY = 'what is undone is not chosen by the text of statements, which anybody can write';

/** What a list of operations adds. */
export const FIND_PARAMETERS = {
  text: { doc: 'Only statements whose SQL contains this text (in any case).', kind: 'text', placeholder: 'TEXT' },
  look: { doc: 'How many operations are looked at for a text, a user or a number of rows, newest first, before the listing stops and tells how far it came; default 200000 where the range has no begin, else all of it.', kind: 'integer', placeholder: 'COUNT' },
  limit: { doc: 'At most so many, 1 to 1000; default 20.', kind: 'integer', placeholder: 'COUNT' },
  before: { doc: 'Continue a listing: only what is older than this operation, or than its transaction where those are listed.', kind: 'text', placeholder: 'OPID' },
} as const satisfies Record<string, ParameterInfo>;

/** Which entries of the history of scripts are listed. */
export const HISTORY_PARAMETERS = {
  source: SELECTION_PARAMETERS.source,
  limit: { doc: 'At most so many, 1 to 1000; default 20.', kind: 'integer', placeholder: 'COUNT' },
  before: { doc: 'Continue a listing: only what was asked for before this one.', kind: 'text', placeholder: 'ID' },
} as const satisfies Record<string, ParameterInfo>;

export type ParameterName = keyof typeof SELECTION_PARAMETERS | keyof typeof SCRIPT_PARAMETERS | keyof typeof FIND_PARAMETERS;

/** Parameters as they were given: text, or a list of texts for those that repeat. */
export type RawParameters = Readonly<Partial<Record<ParameterName, string | readonly string[]>>>;
