import { UndoError } from '../core/errors.ts';
import type { StoredTransaction } from '../store/log-reader.ts';
import { readTransactions } from '../store/log-reader.ts';
import { rows, scalar } from '../core/mysql.ts';
import { cascadesAreLogged } from '../core/server-version.ts';
import { actorScope, and, or, ordinals, tableScope, type Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { capturedRows } from './captured.ts';
import { allHistories, historyAt, tableKey, type TableHistory } from './definitions.ts';
import { overwritten } from './ddl/overwritten.ts';
import { planDdl, withDdl, type UndoneDdl } from './ddl/plan-ddl.ts';
import type { Finding } from './finding.ts';
import { gapFindings, refuse, requireKnownNames, tableFindings, untilJudged } from './findings.ts';
import { cascadeFindings } from './cascades.ts';
import { analyse, LeftOut } from './conflicts/analyse.ts';
import { describeConflicts, NOT_ANALYSED, type PlanConflicts } from './conflicts/report.ts';
import { suggestedForAll } from './conflicts/suggest.ts';
import { counted } from './counted.ts';
import { foreignKeysOf, type ForeignKey } from './foreign-keys.ts';
import { filterInForce } from './gaps.ts';
import { nearMisses } from './near-misses.ts';
import { RangeResolver, type LogRange } from './range.ts';
import { putBackAsEvents } from './row-events.ts';
import { tableRows } from './source-now.ts';
import { formatTable, type ScriptOptions, type Selection, type TableName } from './selection.ts';
import { fromOperations, tallyTotals, type TableTally, type Totals } from './tally.ts';

/** Everything that is known about a script before its first byte. */
export interface Plan {
  /** In the head, in the script's mark and in headers. */
  readonly id: string;
  readonly range: LogRange;
  readonly selection: Selection;
  readonly options: ScriptOptions;
  /** The operations to undo. */
  readonly where: Condition;
  readonly totals: Totals;
  readonly tables: readonly TableTally[];
  readonly histories: ReadonlyMap<string, TableHistory>;
  /** DDL that is undone as well, newest first. */
  readonly ddl: readonly UndoneDdl[];
  /** Of the tables, from either side; what the script checks before COMMIT where their checks were off. */
  readonly foreignKeys: readonly ForeignKey[];
  /** Whether the source was asked for them. */
  readonly foreignKeysKnown: boolean;
  readonly oldest: StoredTransaction | null;
  readonly newest: StoredTransaction | null;
  /** Later changes that stand in the way. */
  readonly conflicts: PlanConflicts;
  /** What stands against the script; those allowed by its options are warnings in its head. */
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
  /** Why nothing matched: what is near. Empty when something did. */
  readonly nearMisses: readonly string[];
  /** Bytes of the largest packed piece of row images, from which the largest statement is estimated; null without any. */
  readonly largestBlock: number | null;
}

/** Transactions that `cascade` draws in at most: whoever needs more should select more. */
const MOST_CASCADED = 10_000;

/**
 * Finds out what a selection means. Reads the ledger and, where it can, the source's position and definitions.
 * @param id names the plan in the head, the mark and the history.
 * @throws UndoError what `RangeResolver.resolve` throws, TABLE_UNKNOWN, OPID_UNKNOWN; findings are returned, not thrown.
 */
export async function makePlan(context: ScriptContext, selection: Selection, options: ScriptOptions, id: string): Promise<Plan> {
  const { mode } = options;
  const range = await new RangeResolver(context, selection).resolve(options.wait);
  await requireKnownNames(context.connection, context.ledger, range, selection);
  for (let drawn: readonly number[] = []; ;) {
    const plan = await assess(context, range, selection, options, id, drawn);
    // Of a script in parts that goes on, the parts before would look like conflicts: all of it was analysed when it began.
    if (mode === 'nocascade-force' || options.fromPart > 1 || plan.totals.firstOrdinal === null) return plan;
    const found = await analyse(context, range, { where: plan.where, first: plan.totals.firstOrdinal }, plan.histories.values(), plan.foreignKeys, options.update === 'full').catch((error: unknown) => {
      // A plan that tells why there is no script is better than none.
      if (!(error instanceof UndoError) || error.exitCode !== 3) throw error;
      return error;
    });
    if (found instanceof UndoError) return { ...plan, findings: [...plan.findings, { code: found.code, allow: null, message: found.message.replace(/\.$/, '') }] };
    const more = [...new Set([...drawn, ...found.ordinals])].sort((a, b) => a - b);
    // What is drawn in has dependents of its own, so that it is asked again until nothing is new.
    if (mode === 'cascade' && more.length > drawn.length && more.length <= MOST_CASCADED) {
      drawn = more;
      continue;
    }
    const listed = await describeConflicts(context, range.source.id, found.conflicts, mode);
    const leftOut = mode === 'nonconflict-only' ? new LeftOut(found.leftOut.map(({ place }) => place)) : null;
    return {
      ...plan, warnings: [...plan.warnings, ...found.warnings, ...conflictWarnings(drawn.length, leftOut)],
      conflicts: {
        mode, analysed: true, rows: found.count, restored: found.restored, transactions: found.ordinals.size, cascaded: drawn.length, leftOut,
        listed, suggested: mode === 'nonconflict-only' ? null : suggestedForAll(found.restored, listed),
      },
    };
  }
}

function conflictWarnings(cascaded: number, leftOut: LeftOut | null): string[] {
  return [
    ...(cascaded > 0 ? [`${counted(cascaded, 'later transaction')} that depend on the selection ${cascaded === 1 ? 'is' : 'are'} undone as well.`] : []),
    ...(leftOut !== null && leftOut.count > 0 ? [`${counted(leftOut.count, 'row change')} ${leftOut.count === 1 ? 'is' : 'are'} left out, because later changes that stay stand in the way.`] : []),
  ];
}

/** @param drawn transactions that are undone as well, whatever the selection says. */
async function assess(context: ScriptContext, asked: LogRange, selection: Selection, options: ScriptOptions, id: string, drawn: readonly number[]): Promise<Plan> {
  const { connection, ledger } = context;
  // What is drawn in may lie behind the range that was asked for: gaps and DDL up to there count.
  const range = { ...asked, to: Math.max(asked.to, (drawn.at(-1) ?? 0) + 1) };
  const scope = [ordinals(range.source.id, range.from, asked.to), ...tableScope(selection)];
  const own = and(...scope, ...actorScope(selection, range.source.flavour));
  const chosen = drawn.length === 0 ? own : or([own, and({ sql: 'o.source_id = ?', parameters: [range.source.id] }, { sql: `o.ordinal IN (${drawn.map(() => '?').join(', ')})`, parameters: drawn })]);
  const chosenRows = and(chosen, { sql: 'o.ddl = 0', parameters: [] });
  await untilJudged(context, chosenRows, options.wait);
  const findings = await gapFindings(connection, ledger, range, selection);

  const hasRows = (await rows(connection, `SELECT 1 AS found ${fromOperations(ledger)} WHERE ${chosenRows.sql} LIMIT 1`, chosenRows.parameters)).length > 0;
  const ddl = await planDdl(context, range, selection, options, own, hasRows);
  const { tables, histories, ...captured } = await capturedRows(context, range, chosenRows, ddl);
  const where = withDdl(captured.where, ddl, range.source.id);
  const totals = await tallyTotals(connection, ledger, where);
  findings.push(...captured.findings, ...ddl.findings, ...await overwritten(context, range, ddl, where, options));
  findings.push(...await drawnFindings(context, range, drawn));
  findings.push(...tableFindings(allHistories(histories.values()), options.triggers));
  // Under the names that they have now, or had before DDL that is undone.
  const named = tables.map((tally) => {
    const history = histories.get(tableKey(tally.schema, tally.table));
    const { schema, table } = history?.present ?? tally;
    return { ...tally, schema, table, ofNow: (history?.until ?? null) === null };
  });
  const declared = range.live && named.length > 0 ? await foreignKeysOf(range.live.endpoint, named) : null;
  findings.push(...cascadeFindings(declared ?? [], named, await logsCascades(context, range)));
  // The script looks for orphans in tables that are what they were; nobody can be asked how the others will be.
  const ofNow = (name: TableName): boolean => named.some((table) => table.ofNow && table.schema === name.schema && table.table === name.table);
  const foreignKeys = declared?.filter(({ child, parent }) => ofNow(child) || ofNow(parent)) ?? null;
  const edge = async (ordinal: number | null): Promise<StoredTransaction | null> =>
    (ordinal === null ? null : (await readTransactions(connection, ledger, range.source.id, ordinal, ordinal + 1))[0] ?? null);
  const oldest = await edge(totals.firstOrdinal);
  const newest = await edge(totals.lastOrdinal);
  return {
    id, range: asked, selection, options, where, totals, tables, histories, ddl: ddl.undone, findings, oldest, newest, foreignKeys: foreignKeys ?? [], foreignKeysKnown: foreignKeys !== null,
    warnings: [
      ...ddl.warnings,
      ...await warnings(context, range, selection, options, totals, tables, where, histories),
      ...(foreignKeys === null && named.length > 0 ? ['The source was not asked for foreign keys: the script does not look for rows that point nowhere.'] : []),
    ],
    nearMisses: totals.operations > 0 ? [] : await nearMisses(connection, ledger, range, selection),
    largestBlock: await largestBlock(context, range, oldest, newest),
    conflicts: NOT_ANALYSED(options.mode),
  };
}

/** What of the transactions that are drawn in cannot be undone. */
async function drawnFindings({ connection, ledger }: ScriptContext, range: LogRange, drawn: readonly number[]): Promise<Finding[]> {
  if (drawn.length === 0) return [];
  const count = Number(await scalar(connection,
    `SELECT COUNT(*) FROM ${ledger.table('operations')} o WHERE o.source_id = ? AND o.ordinal IN (${drawn.map(() => '?').join(', ')}) AND (o.ddl = 1 OR o.state <> 'captured')`, [range.source.id, ...drawn]));
  return count === 0 ? [] : [{
    code: 'NOT_UNDOABLE', allow: 'dataloss', message: `${counted(count, 'operation')} of the later transactions that have to be undone as well cannot be undone`,
  }];
}

/** @throws UndoError the first finding that the options do not allow. */
export function refuseUnlessAllowed(plan: Plan): void {
  refuse(plan.findings, plan.options.allow);
}

async function logsCascades({ connection, ledger }: ScriptContext, range: LogRange): Promise<boolean> {
  const version = await scalar<string>(connection, `SELECT version FROM ${ledger.table('incarnations')} WHERE id = ?`, [range.incarnationId]);
  return cascadesAreLogged(range.source.flavour, version ?? '');
}

async function warnings(
  context: ScriptContext, range: LogRange, selection: Selection, options: ScriptOptions, totals: Totals, tables: readonly TableTally[], where: Condition, histories: ReadonlyMap<string, TableHistory>,
): Promise<string[]> {
  const { connection, ledger } = context;
  const said: string[] = [];
  // An operation that is named lies in the range, wherever that ends.
  if (range.stopFrom === 'log' && selection.opids.length === 0) said.push('The source was not asked for its position: the range ends where the log ends.');
  if (selection.databases.length === 0 && selection.tables.length === 0) {
    const filter = await filterInForce(connection, ledger, range);
    if (filter !== null) said.push(`Only a part of the source is captured: ${filter}.`);
  }
  const split = tableScope(selection).length + selection.types.length + selection.opids.length > 0;
  if (split && totals.operations > 0) {
    const all = Number(await scalar(connection,
      `SELECT COUNT(*) FROM ${ledger.table('operations')} x JOIN (SELECT DISTINCT o.ordinal AS ordinal ${fromOperations(ledger)} WHERE ${where.sql}) chosen
       ON chosen.ordinal = x.ordinal WHERE x.source_id = ? AND x.ddl = 0`, [...where.parameters, range.source.id]));
    const others = all - tables.reduce((sum, { operations }) => sum + operations, 0);
    if (others > 0) said.push(`The filters split transactions: ${counted(others, 'other operation')} of the same transactions ${others === 1 ? 'stays as it is' : 'stay as they are'}.`);
  }
  const { parts } = options;
  if (parts !== 'whole') {
    said.push(`The script is not atomic: ${parts === 'transaction' ? 'each transaction undone' : `every ${counted(parts.rows, 'row')}`} has a transaction of its own; it stops at the first that does not fit, and those before it stay committed.`);
  }
  if (selection.scripts.length === 0) said.push(...await scriptRuns(context, where));
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

/** Runs of our own scripts among what is to be undone: taken back like anything else, which an operator may not expect. */
async function scriptRuns({ connection, ledger }: ScriptContext, where: Condition): Promise<string[]> {
  const found = await rows<{ id: string }>(connection,
    `SELECT DISTINCT t.script_id AS id ${fromOperations(ledger)} WHERE ${where.sql} AND t.script_id IS NOT NULL ORDER BY t.script_id LIMIT 20`, where.parameters);
  return found.length === 0 ? [] : [`Among what is undone are runs of rollback scripts: ${found.map(({ id }) => id).join(', ')}.`];
}

async function largestBlock(context: ScriptContext, range: LogRange, oldest: StoredTransaction | null, newest: StoredTransaction | null): Promise<number | null> {
  if (oldest === null || newest === null) return null;
  const bounds = await scalar<string>(context.connection,
    `SELECT MAX(b.raw_bytes) FROM ${context.ledger.table('blocks')} b WHERE b.source_id = ? AND b.block BETWEEN
       (SELECT MIN(first_block) FROM ${context.ledger.table('transactions')} WHERE source_id = ? AND ordinal BETWEEN ? AND ?)
       AND (SELECT MAX(last_block) FROM ${context.ledger.table('transactions')} WHERE source_id = ? AND ordinal BETWEEN ? AND ?)`,
    [range.source.id, range.source.id, oldest.ordinal, newest.ordinal, range.source.id, oldest.ordinal, newest.ordinal]);
  return bounds === null ? null : Number(bounds);
}

/** @param ordinal of rows of the table; without one the newest of the selection are meant. */
export function historyOf(plan: Plan, schema: string, table: string, ordinal?: number): TableHistory | undefined {
  const history = plan.histories.get(tableKey(schema, table));
  return history && ordinal !== undefined ? historyAt(history, ordinal) : history;
}
