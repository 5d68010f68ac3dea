import type { Connection } from 'mysql2/promise';
import { scalar } from '../core/mysql.ts';
import type { Ledger } from '../store/ledger.ts';
import { and, besides, not, type Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { allHistories, isSequence, tableHistories, tableKey, type TableHistory } from './definitions.ts';
import type { DdlPlan } from './ddl/undone.ts';
import { concerns, describeDdl } from './ddl/records.ts';
import type { Cut, Finding } from './finding.ts';
import { behindCut, cutFinding, newestCuts, unjudgedFindings } from './findings.ts';
import type { LogRange } from './range.ts';
import { fromOperations, tallyTables, type TableTally } from './tally.ts';

/** The row changes of a selection that are to be undone. */
export interface Captured {
  readonly where: Condition;
  readonly tables: readonly TableTally[];
  readonly histories: ReadonlyMap<string, TableHistory>;
  readonly findings: readonly Finding[];
}

/**
 * Leaves out what lies behind cuts, among them DDL that is not undone and that rows from before do not fit through.
 * @param rows the row operations that are selected.
 */
export async function capturedRows({ connection, ledger }: ScriptContext, range: LogRange, rows: Condition, ddl: DdlPlan): Promise<Captured> {
  const chosen = and(rows, ...besides(ddl.copies));
  for (let all = ddl.cuts; ;) {
    const cuts = newestCuts(all);
    const behind = cuts.map(behindCut);
    const where = and(chosen, ...behind, { sql: "o.state = 'captured'", parameters: [] });
    const tallies = await tallyTables(connection, ledger, where);
    const histories = await tableHistories(connection, ledger, range, tallies, ddl, async ({ schema, table }, from, to) =>
      (await tallyTables(connection, ledger, and(where, { sql: 'o.schema_name = ? AND o.table_name = ? AND o.ordinal >= ? AND o.ordinal < ?', parameters: [schema, table, from, to] })))[0] ?? null);
    const more = [...histories.values()].flatMap((history) => softCut(history, range, ddl, cuts));
    if (more.length > 0) {
      all = [...all, ...more];
      continue;
    }
    const findings = [
      ...await cutFindings(connection, ledger, all, cuts, chosen),
      // Before anything is counted: what is judged from here on was refused here.
      ...await unjudgedFindings(connection, ledger, and(chosen, ...behind)),
    ];
    // Until the projection has marked them, rows of sequences stand there like others; they are information and never undone.
    const sequences = [...histories.values()].filter(isSequence);
    for (const { schema, table } of sequences) histories.delete(tableKey(schema, table));
    return { where: and(where, ...besides(sequences)), tables: tallies.filter(({ schema, table }) => histories.has(tableKey(schema, table))), histories, findings };
  }
}

/** The newest DDL in the range on a table whose rows do not all fit, where nothing cuts it as late. */
function softCut(history: TableHistory, { to }: LogRange, { kept }: DdlPlan, cuts: readonly Cut[]): Cut[] {
  const misfit = allHistories([history]).find(({ changed }) => changed !== null);
  if (!misfit) return [];
  const { schema, table } = history;
  const cause = kept.find((record) => record.operation.ordinal < Math.min(to, misfit.until ?? to) && record.read?.statement.verb !== 'CREATE' && concerns(record, { schema, table }));
  if (!cause) return [];
  const { ordinal, seq } = cause.operation;
  const cut: Cut = { schema, table, ordinal, seq, shown: describeDdl(cause), asked: false, what: `is not undone, and rows from before do not fit: ${misfit.changed ?? ''}` };
  return cuts.some((known) => known.schema === schema && known.table === table && known.ordinal >= ordinal) ? [] : [cut];
}

async function cutFindings(connection: Connection, ledger: Ledger, all: readonly Cut[], newest: readonly Cut[], chosen: Condition): Promise<Finding[]> {
  const findings: Finding[] = [];
  const reasons: Condition[] = [];
  for (const cut of all) {
    if (!newest.includes(cut)) {
      findings.push(...[cutFinding(cut, 0)].filter((finding) => finding !== null));
      continue;
    }
    const left = and(chosen, ...reasons, not(behindCut(cut)));
    const lost = Number(await scalar(connection, `SELECT COUNT(*) ${fromOperations(ledger)} WHERE ${left.sql}`, left.parameters));
    findings.push(...[cutFinding(cut, lost)].filter((finding) => finding !== null));
    reasons.push(behindCut(cut));
  }
  return findings;
}
