import { formatPosition } from '../core/position.ts';
import { scriptSessionSettings } from '../rollback/index.ts';
import type { StoredTransaction } from '../store/log-reader.ts';
import { commentLines, commentText } from './comment.ts';
import { countedChanges } from './counted.ts';
import { formatMicros } from './datetime.ts';
import { onceNote, readOnlyVariable, serverGuards } from './guards.ts';
import { describeDdl } from './ddl/records.ts';
import { allHistories } from './definitions.ts';
import type { ConflictMode } from './parameters.ts';
import type { Plan } from './plan.ts';
import { openingOfEvents, putBackAsEvents } from './row-events.ts';
import { inSections, locksTables } from './sections.ts';
import { formatTable, type Selection } from './selection.ts';

const MAX_LISTED = 50;

/** The selection as the parameters that make it, for people. */
export function describeSelection(selection: Selection): string[] {
  const said: string[] = [];
  const say = (name: string, value: string | null): void => {
    if (value !== null) said.push(`${name}=${value}`);
  };
  say('start_position', selection.startPosition && formatPosition(selection.startPosition));
  say('stop_position', selection.stopPosition && formatPosition(selection.stopPosition));
  say('incarnation', selection.incarnation === null ? null : String(selection.incarnation));
  say('start_datetime', selection.startTime && formatMicros(selection.startTime.micros));
  say('stop_datetime', selection.stopTime && formatMicros(selection.stopTime.micros));
  say('include_gtids', selection.includeGtids);
  say('exclude_gtids', selection.excludeGtids);
  for (const opid of selection.opids) say('opid', opid);
  for (const id of selection.scripts) say('script', id);
  for (const id of selection.threadIds) say('thread_id', String(id));
  say('user', selection.user);
  say('min_rows', selection.minRows === 0 ? null : String(selection.minRows));
  for (const database of selection.databases) say('database', database);
  for (const table of selection.tables) say('table', formatTable(table));
  for (const database of selection.excludeDatabases) say('exclude_database', database);
  for (const table of selection.excludeTables) say('exclude_table', formatTable(table));
  for (const type of selection.types) say('type', type);
  return said;
}

const clip = (list: readonly string[]): string[] =>
  (list.length <= MAX_LISTED ? [...list] : [...list.slice(0, MAX_LISTED), `and ${list.length - MAX_LISTED} more`]);

/** What stands in the head as a warning: allowed findings and plain warnings. */
export function headWarnings(plan: Plan): string[] {
  return [...plan.findings.map((finding) => `${finding.code}: ${finding.message}.`), ...plan.warnings];
}

const GUARDS = {
  changed: ' (nothing is committed when a row was changed again since)', row: ' (nothing is committed when any column of a row was changed since)', none: ' (rows are undone whatever they hold now)',
} as const;

/** How to go on with a script in parts. */
function partsLines(plan: Plan): string[] {
  const { parts, fromPart } = plan.options;
  if (inSections(plan)) return ['in sections, each of which looks first whether it fits; to go on with part N of this text where it stopped: sed \'/^-- part 1$/,/^-- part N$/d\' undo.sql'];
  if (parts === 'whole') return [];
  return [`${fromPart > 1 ? `begins with part ${fromPart}; ` : ''}to go on where it stopped, make it again with the same range and stop, and from_part=NUMBER of the part that was not committed`];
}

/** The comments at the top of a script. Every text that comes from outside is made safe for a comment. */
export function headComments(plan: Plan, version: string): string {
  const { range, oldest, newest, totals, tables } = plan;
  const { source } = range;
  const server = source.flavour === 'mysql' ? 'MySQL' : 'MariaDB';
  const client = source.flavour === 'mysql' ? 'mysql' : 'mariadb';
  const transaction = (which: string, t: StoredTransaction): string =>
    `${which} ${formatPosition(t.start)} to ${formatPosition(t.end)}, committed ${formatMicros(t.commitMicros)}${t.gtid === null ? '' : `, GTID ${t.gtid}`}`;
  const lines = [
    `binlog-undo ${version} ${plan.options.format === 'check' ? 'check of a rollback script' : 'rollback script'} ${plan.id}, made ${formatMicros(Date.now() * 1000)}`,
    `source: ${source.alias} (${server}, server ${range.serverUuid ?? range.serverId}, first known as ${source.label}:${source.labelPort})`,
    `asked for: ${describeSelection(plan.selection).join(' ') || 'everything'}`,
    `range: ${formatPosition(range.start)} to ${formatPosition(range.stop)}`
      + (range.stopFrom === 'source' ? " (the source's position now)" : range.stopFrom === 'log' ? ' (the end of the log)' : '')
      + `${range.startMicros === null ? '' : `, from ${formatMicros(range.startMicros)}`}${range.stopMicros === null ? '' : `, before ${formatMicros(range.stopMicros)}`}`,
    ...(oldest && newest
      ? [transaction('oldest transaction undone:', oldest), transaction('newest transaction undone:', newest),
          `validity point: ${formatPosition(oldest.start)}; what it undoes is as it was just before ${formatMicros(oldest.commitMicros)}`]
      : []),
    totals.operations === 0 ? '0 operations' : `undoes ${countedChanges(totals)}:`,
    ...clip(tables.map((table) => `  ${formatTable(table)}: ${table.inserted} inserted, ${table.updated} updated, ${table.deleted} deleted`)),
    ...clip(plan.ddl.map((ddl) => `  ${describeDdl(ddl)}, ${ddl.operation.opid}`)),
    `guard: ${plan.options.guard}${GUARDS[plan.options.guard]}, update: ${plan.options.update}`,
    ...partsLines(plan),
    modeLine(plan),
    ...plan.nearMisses,
    ...clip(headWarnings(plan)).map((warning) => `WARNING ${warning}`),
  ];
  const run = totals.operations === 0 ? [] : plan.options.format === 'check' ? [`changes nothing: lists each row that the script would not find as it needs it, nothing when all match: ${client} --host=HOST --user=USER -p < check.sql`] : [
    ...(plan.largestBlock === null ? [] : [`max_allowed_packet: ${packetNeeded(plan)!} bytes are enough on client and server; the line "statements" near the end tells the exact need`]),
    ...(plan.options.onceTable === null ? [] : [`it notes itself in ${formatTable(plan.options.onceTable)}, made by: CREATE TABLE ... (script CHAR(16) PRIMARY KEY, applied TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)`]),
    ...(locksTables(plan) ? ['it locks the tables that cannot roll back while it undoes their rows: the account needs LOCK TABLES on them'] : []),
    ...(holdsEvents(plan) ? [`it holds row events (BINLOG statements): the account needs ${EVENT_RIGHTS[source.flavour]}`] : []),
    ...(holdsBodies(plan) ? ['it makes objects again that the server keeps as text (triggers, routines, events): without --comments some clients take the comments out of that'] : []),
    `run it in a session of its own, not with "source" inside an interactive one: ${client}${holdsBodies(plan) ? ' --comments' : ''} --host=HOST --user=USER -p < undo.sql`,
  ];
  return commentLines([...lines, ...run].map((line) => commentText(line, 2000)));
}

/** Text that the server keeps as it is sent. */
const holdsBodies = ({ ddl }: Plan): boolean => ddl.some(({ steps }) => steps.some(({ statements }) => statements.some(({ session }) => session !== null)));

const EVENT_RIGHTS = { mysql: 'REPLICATION_APPLIER', mariadb: 'BINLOG REPLAY' } as const;

const MODES: Readonly<Record<ConflictMode, string>> = {
  nocascade: 'no later change in the log stands in the way',
  cascade: 'later changes that stand in the way are undone as well',
  'nonconflict-only': 'rows that later changes stand in the way of are left out',
  'nocascade-force': 'later changes of the same rows were not looked for',
};

function modeLine({ options, conflicts: { mode } }: Plan): string {
  return `mode: ${mode} (${options.fromPart > 1 && mode === 'nocascade' ? 'looked into for the first part only' : MODES[mode]})`;
}

/** A max_allowed_packet that is enough, in bytes: every byte of an image takes two as hex, and some text forms a few more; rows that share a statement stay far below the rest. Null when there is nothing to undo. */
export function packetNeeded({ largestBlock }: Plan): number | null {
  return largestBlock === null ? null : Math.ceil((largestBlock * 4 + 131_072) / 1024) * 1024;
}

function holdsEvents({ histories, options }: Plan): boolean {
  return allHistories(histories.values()).some(({ present }) => present !== null && putBackAsEvents(present, options));
}

/** From the session's settings to the open transaction, or to the first section. */
export function preamble(plan: Plan): string {
  const sections = inSections(plan);
  const asEvents = holdsEvents(plan);
  return [
    ...scriptSessionSettings(plan.range.source.flavour).map((statement) => `${statement};`),
    ...serverGuards(plan, asEvents),
    ...(asEvents ? openingOfEvents(plan.range.source.flavour) : []),
    // Without autocommit also what runs after an error that ended the transaction stays uncommitted.
    'SET SESSION autocommit=0, foreign_key_checks=1, unique_checks=1;',
    // Not open where a guard has closed the session: a client that goes on after errors comes here all the same.
    ...(plan.options.parts === 'whole' && !sections ? [] : [`SET @ok=(@@SESSION.${readOnlyVariable(plan.range.source.flavour)}=0);`]),
    ...(sections ? ['SET @once=1;', "SET SESSION group_concat_max_len=1048576;"] : ['START TRANSACTION;', 'SET @n=0;', ...onceNote(plan)]),
    '',
  ].join('\n');
}
