import { UndoError } from '../core/errors.ts';
import { COPIED } from '../store/copy-sql.ts';
import type { StoredTransaction } from '../store/log-reader.ts';
import { readTransactions } from '../store/log-reader.ts';
import { rows, scalar } from '../core/mysql.ts';
import { cascadesAreLogged } from '../core/server-version.ts';
import { actorScope, and, ofOrdinals, or, ordinals, tableScope, type Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { capturedRows } from './captured.ts';
import { copiedRows } from './copied.ts';
import { allHistories, historyAt, tableKey, type TableHistory } from './definitions.ts';
import { nameNow } from './ddl/records.ts';
import { overwritten } from './ddl/overwritten.ts';
import { planDdl, withDdl } from './ddl/plan-ddl.ts';
import type { UndoneDdl } from './ddl/undone.ts';
import type { Finding } from './finding.ts';
import { gapFindings, refuse, requireKnownNames, tableFindings, untilJudged } from './findings.ts';
import { cascadeFindings, withEarlierParents } from './cascades.ts';
import { LeftOut } from './conflicts/analyse.ts';
import { analysePlan, cascade, type Chosen } from './conflicts/cascade.ts';
import { describeConflicts, NOT_ANALYSED, type PlanConflicts } from './conflicts/report.ts';
import { suggestedForAll } from './conflicts/suggest.ts';
import { counted } from './counted.ts';
import { foreignKeysOf, type ForeignKey } from './foreign-keys.ts';
import { nearMisses } from './near-misses.ts';
import { RangeResolver, type LogRange } from './range.ts';
import { planWarnings } from './plan-warnings.ts';
import type { ScriptOptions, Selection, TableName } from './selection.ts';
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

/**
 * Finds out what a selection means. Reads the ledger and, where it can, the source's position and definitions.
 * @param id names the plan in the head, the mark and the history.
 * @throws UndoError what `RangeResolver.resolve` throws, TABLE_UNKNOWN, OPID_UNKNOWN; findings are returned, not thrown.
 */
export async function makePlan(context: ScriptContext, selection: Selection, options: ScriptOptions, id: string): Promise<Plan> {
  const { mode } = options;
  const range = await new RangeResolver(context, selection).resolve(options.wait);
  await requireKnownNames(context.connection, context.ledger, range, selection);
  const own = await assess(context, range, selection, options, id, { own: true, drawn: [] });
  // Of a script in parts that goes on, the parts before would look like conflicts: all of it was analysed when it began.
  if (mode === 'nocascade-force' || options.fromPart > 1 || own.totals.firstOrdinal === null) return own;
  try {
    const { plan, found, drawn } = mode === 'cascade'
      ? await cascade(context, range, options, own, (chosen) => assess(context, range, selection, options, id, chosen))
      : { plan: own, found: await analysePlan(context, range, options, own), drawn: [] };
    const listed = await describeConflicts(context, range.source.id, found.conflicts, mode);
    const leftOut = mode === 'nonconflict-only' ? new LeftOut(found.leftOut.map(({ place }) => place)) : null;
    return {
      ...plan, warnings: [...plan.warnings, ...found.warnings, ...conflictWarnings(drawn.length, leftOut)],
      conflicts: {
        mode, analysed: true, rows: found.count, restored: found.restored, transactions: found.ordinals.size, cascaded: drawn.length, leftOut,
        listed, suggested: mode === 'nonconflict-only' ? null : suggestedForAll(found.restored, listed),
      },
    };
  } catch (error) {
    // A plan that tells why there is no script is better than none.
    if (!(error instanceof UndoError) || error.exitCode !== 3) throw error;
    return { ...own, findings: [...own.findings, { code: error.code, allow: null, message: error.message.replace(/\.$/, '') }] };
  }
}

function conflictWarnings(cascaded: number, leftOut: LeftOut | null): string[] {
  return [
    ...(cascaded > 0 ? [`${counted(cascaded, 'later transaction')} that depend on the selection ${cascaded === 1 ? 'is' : 'are'} undone as well.`] : []),
    ...(leftOut !== null && leftOut.count > 0 ? [`${counted(leftOut.count, 'row change')} ${leftOut.count === 1 ? 'is' : 'are'} left out, because later changes that stay stand in the way.`] : []),
  ];
}

async function assess(context: ScriptContext, asked: LogRange, selection: Selection, options: ScriptOptions, id: string, { own: ofSelection, drawn }: Chosen): Promise<Plan> {
  const { connection, ledger } = context;
  // What is drawn in may lie behind the range that was asked for: gaps and DDL up to there count.
  const range = { ...asked, to: Math.max(asked.to, (drawn.at(-1) ?? 0) + 1) };
  const span = ordinals(range.source.id, range.from, asked.to);
  const actors = actorScope(selection, range.source.flavour, ledger);
  const own = and(span, ...tableScope(selection), ...actors);
  const chosen = or([...(ofSelection ? [own] : []), ...(drawn.length > 0 ? [ofOrdinals(range.source.id, drawn)] : [])]);
  const chosenRows = and(chosen, { sql: 'o.ddl = 0', parameters: [] });
  await untilJudged(context, chosenRows, options.wait);
  const findings = await gapFindings(connection, ledger, range, selection);

  const hasRows = (await rows(connection, `SELECT 1 AS found ${fromOperations(ledger)} WHERE ${chosenRows.sql} LIMIT 1`, chosenRows.parameters)).length > 0;
  const ddl = await planDdl(context, range, selection, options, { chosen: own, ofAnyTable: and(span, ...actors) }, hasRows);
  const { tables, histories, ...captured } = await capturedRows(context, range, chosenRows, ddl);
  const where = withDdl(captured.where, ddl, range.source.id);
  const totals = await tallyTotals(connection, ledger, where);
  const copied = await copiedRows(connection, ledger, range, selection, chosenRows, ddl.copies);
  findings.push(...copied.findings, ...captured.findings, ...ddl.findings, ...await overwritten(context, range, ddl, where, options));
  findings.push(...await drawnFindings(context, range, drawn));
  findings.push(...tableFindings(allHistories(histories.values()), options.triggers));
  // Under the names that they have now, or had before DDL that is undone.
  const named = tables.map((tally) => {
    const history = histories.get(tableKey(tally.schema, tally.table));
    const { schema, table } = history?.present ?? tally;
    return { ...tally, schema, table, ofNow: history?.ofNow ?? true };
  });
  const moved = allHistories(histories.values()).flatMap(({ schema, table, present, until, ofNow }) => {
    const then = present ?? { schema, table };
    return ofNow || until === null ? [] : [{ then: { schema: then.schema, table: then.table }, now: nameNow(then, until, ddl.undone) }];
  });
  const declared = range.live && named.length > 0 ? await foreignKeysOf(range.live.endpoint, [...named, ...moved.map(({ now }) => now)]) : null;
  findings.push(...cascadeFindings(withEarlierParents(declared ?? [], moved), named, await logsCascades(context, range)));
  // The script looks for orphans in tables that are what they were; nobody can be asked how the others will be.
  const isOfNow = (name: TableName): boolean => named.some((table) => table.ofNow && table.schema === name.schema && table.table === name.table);
  const foreignKeys = declared?.filter(({ child, parent }) => isOfNow(child) || isOfNow(parent)) ?? null;
  const edge = async (ordinal: number | null): Promise<StoredTransaction | null> =>
    (ordinal === null ? null : (await readTransactions(connection, ledger, range.source.id, ordinal, ordinal + 1))[0] ?? null);
  const oldest = await edge(totals.firstOrdinal);
  const newest = await edge(totals.lastOrdinal);
  return {
    id, range: asked, selection, options, where, totals, tables, histories, ddl: ddl.undone, findings, oldest, newest, foreignKeys: foreignKeys ?? [], foreignKeysKnown: foreignKeys !== null,
    warnings: [
      ...ddl.warnings,
      ...copied.warnings,
      ...await planWarnings(context, range, selection, options, { totals, tables, where, histories }),
      ...(foreignKeys === null && named.length > 0 ? ['The source was not asked for foreign keys: the script does not look for rows that point nowhere.'] : []),
    ],
    nearMisses: totals.operations > 0 ? [] : await nearMisses(connection, ledger, range, selection),
    largestBlock: await largestBlock(context, range, oldest, newest),
    conflicts: NOT_ANALYSED(options.mode),
  };
}

/** What of the transactions that are drawn in cannot be undone, beside what nobody has judged yet, which is told with all the rest of it. */
async function drawnFindings({ connection, ledger }: ScriptContext, range: LogRange, drawn: readonly number[]): Promise<Finding[]> {
  if (drawn.length === 0) return [];
  const count = Number(await scalar(connection,
    `SELECT COUNT(*) FROM ${ledger.table('operations')} o WHERE o.source_id = ? AND o.ordinal IN (${drawn.map(() => '?').join(', ')}) AND (o.ddl = 1 OR o.state NOT IN ('captured', 'partial', '${COPIED}'))`, [range.source.id, ...drawn]));
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
export function historyOf(plan: Pick<Plan, 'histories'>, schema: string, table: string, ordinal?: number): TableHistory | undefined {
  const history = plan.histories.get(tableKey(schema, table));
  return history && ordinal !== undefined ? historyAt(history, ordinal) : history;
}
