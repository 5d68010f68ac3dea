import { rows, scalar } from '../core/mysql.ts';
import { COPIED } from '../store/copy-sql.ts';
import { actorScope, and, observedUser, ordinals, tableScope, type Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { counted } from './counted.ts';
import { allHistories, tableKey, type TableHistory } from './definitions.ts';
import { filterInForce } from './gaps.ts';
import type { LogRange } from './range.ts';
import { putBackAsEvents } from './row-events.ts';
import { formatTable, type ScriptOptions, type Selection } from './selection.ts';
import { tableRows } from './source-now.ts';
import { fromOperations, type TableTally, type Totals } from './tally.ts';

/** What a plan has found out so far. */
interface Chosen {
  readonly totals: Totals;
  readonly tables: readonly TableTally[];
  readonly where: Condition;
  readonly histories: ReadonlyMap<string, TableHistory>;
}

/** What whoever runs the script should know, and what does not stand against it. */
export async function planWarnings(context: ScriptContext, range: LogRange, selection: Selection, options: ScriptOptions, { totals, tables, where, histories }: Chosen): Promise<string[]> {
  const { connection, ledger } = context;
  const said: string[] = [];
  // An operation that is named lies in the range, wherever that ends.
  if (range.stopFrom === 'log' && selection.opids.length === 0) said.push('The source was not asked for its position: the range ends where the log ends.');
  if (selection.databases.length === 0 && selection.tables.length === 0) {
    const filter = await filterInForce(connection, ledger, range);
    if (filter !== null) said.push(`Only a part of the source is captured: ${filter}.`);
  }
  said.push(...await observedSessions(context, range, selection, where));
  const split = tableScope(selection).length + selection.types.length + selection.opids.length + selection.minRows > 0;
  if (split && totals.operations > 0) {
    const all = Number(await scalar(connection,
      `SELECT COUNT(*) FROM ${ledger.table('operations')} x JOIN (SELECT DISTINCT o.ordinal AS ordinal ${fromOperations(ledger)} WHERE ${where.sql}) chosen
       ON chosen.ordinal = x.ordinal WHERE x.source_id = ? AND x.ddl = 0 AND x.state <> ?`, [...where.parameters, range.source.id, COPIED]));
    const others = all - tables.reduce((sum, { operations }) => sum + operations, 0);
    if (others > 0) said.push(`The filters split transactions: ${counted(others, 'other operation')} of the same transactions ${others === 1 ? 'stays as it is' : 'stay as they are'}.`);
  }
  const { parts } = options;
  if (parts !== 'whole') {
    said.push(`The script is not atomic: ${parts === 'transaction' ? 'each transaction undone' : `every ${counted(parts.rows, 'row')}`} has a transaction of its own; it stops at the first that does not fit, and those before it stay committed.`);
  }
  if (selection.scripts.length === 0) said.push(...await scriptRuns(context, where));
  said.push(...await tableWarnings(range, options, tables, histories));
  return said;
}

async function tableWarnings(range: LogRange, options: ScriptOptions, tables: readonly TableTally[], histories: ReadonlyMap<string, TableHistory>): Promise<string[]> {
  const said: string[] = [];
  for (const table of tables) {
    const present = histories.get(tableKey(table.schema, table.table))?.present;
    if (table.deleted > 0 && options.onceTable === null && present && !present.keys.some((key) => key.unique)) {
      said.push(`${formatTable(table)} has no key: a second run of the script would insert its deleted rows once more (once_table prevents that).`);
    }
  }
  for (const history of allHistories(histories.values())) {
    const { added, kinds, present } = history;
    if (present !== null && (present.schema !== history.schema || present.table !== history.table)) {
      said.push(`${formatTable(history)} was renamed since: its rows are undone in ${formatTable(present)}.`);
    }
    if (added.length > 0 && kinds.deleted) {
      said.push(`Rows that come back into ${history.schema}.${history.table} hold the default in ${added.length === 1 ? 'a column' : 'columns'} added since: ${added.join(', ')}.`);
    }
    if (present !== null && putBackAsEvents(present, options)) said.push(`${formatTable(history)} has triggers that do not fire: ${present.triggers.join(', ')}. What they wrote is undone where it is selected as well.`);
    const keys = history.present?.keys ?? [];
    if (history.present && !keys.some((key) => key.unique)) {
      const tally = tables.find(({ schema, table }) => schema === history.schema && table === history.table);
      const searches = (tally?.inserted ?? 0) + (tally?.updated ?? 0);
      const size = range.live && searches > 0 ? await tableRows(range.live.endpoint, history.present) : null;
      said.push(`${history.schema}.${history.table} has no key: each of its rows is looked for through the whole table${searches === 0 ? '' : `, ${counted(searches, 'time')}${size === null ? '' : ` through about ${counted(size, 'row')}`}`}.`);
    }
  }
  return said;
}

const MOST_SESSIONS = 20;

/** A user is known from the process list only: who made the selection by one has to see which sessions that are, and what it may lack. */
async function observedSessions({ connection, ledger }: ScriptContext, range: LogRange, selection: Selection, where: Condition): Promise<string[]> {
  const { user } = selection;
  if (user === null) return [];
  const found = await rows<{ id: string }>(connection,
    `SELECT DISTINCT t.thread_id AS id ${fromOperations(ledger)} WHERE ${where.sql} ORDER BY t.thread_id LIMIT ${MOST_SESSIONS + 1}`, where.parameters);
  const others = and(ordinals(range.source.id, range.from, range.to), ...tableScope(selection), ...actorScope({ ...selection, user: null }, range.source.flavour, ledger));
  const unseen = Number(await scalar(connection, `SELECT COUNT(*) ${fromOperations(ledger)} WHERE ${others.sql} AND ${observedUser(ledger)} IS NULL`, others.parameters));
  const shown = found.slice(0, MOST_SESSIONS).map(({ id }) => id).join(', ');
  return [
    ...(found.length > 0 ? [`User ${user} stands for the sessions ${shown}${found.length > MOST_SESSIONS ? ' and more' : ''}, as they were observed: a session id that a restart of the source gave again may be somebody else's.`] : []),
    ...(unseen > 0 ? [`${counted(unseen, 'other operation')} of sessions whose user was not observed ${unseen === 1 ? 'is' : 'are'} not included.`] : []),
  ];
}

/** Runs of our own scripts among what is to be undone: taken back like anything else, which an operator may not expect. */
async function scriptRuns({ connection, ledger }: ScriptContext, where: Condition): Promise<string[]> {
  const found = await rows<{ id: string }>(connection,
    `SELECT DISTINCT t.script_id AS id ${fromOperations(ledger)} WHERE ${where.sql} AND t.script_id IS NOT NULL ORDER BY t.script_id LIMIT 20`, where.parameters);
  return found.length === 0 ? [] : [`Among what is undone are runs of rollback scripts: ${found.map(({ id }) => id).join(', ')}.`];
}
