import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { rows, scalar } from '../core/mysql.ts';
import { formatPosition } from '../core/position.ts';
import type { TableDefinition } from '../schema/definition.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { nameOf, type TableHistory } from './definitions.ts';
import type { Cut, Finding } from './finding.ts';
import { describeGap, excludedInRange, gapsInRange } from './gaps.ts';
import { purgedInRange } from './purged.ts';
import type { Allowance } from './parameters.ts';
import type { LogRange } from './range.ts';
import { formatTable, type ScriptOptions, type Selection } from './selection.ts';
import { fromOperations } from './tally.ts';

/** Throws the first finding that is not allowed. */
export function refuse(findings: readonly Finding[], allow: ReadonlySet<Allowance>): void {
  const against = findings.filter((finding) => finding.allow === null || !allow.has(finding.allow));
  const [first] = against;
  if (!first) return;
  const more = against.length > 1 ? ` (and ${against.length - 1} more; binlog-undo plan lists all)` : '';
  throw new UndoError(first.code, `${first.message}${more}.`);
}

export async function gapFindings(connection: Connection, ledger: Ledger, range: LogRange, selection: Selection): Promise<Finding[]> {
  const gaps = await gapsInRange(connection, ledger, range, selection);
  const excluded = await excludedInRange(connection, ledger, range, selection);
  const purged = selection.opids.length > 0 ? [] : await purgedInRange(connection, ledger, range.source.id, range.from, selection);
  return [
    ...purged.map((reason): Finding => ({ code: 'GAP_IN_RANGE', allow: 'gap', message: reason.replace(/^r/, 'R') })),
    ...gaps.map((gap): Finding => ({ code: 'GAP_IN_RANGE', allow: 'gap', message: `The log has a gap: ${describeGap(gap)}` })),
    ...excluded.map((name): Finding => ({ code: 'GAP_IN_RANGE', allow: 'gap', message: `The configuration kept ${name} out of the log for some of the range (excluded)` })),
  ];
}

/** Seconds that the projection, which follows a moment behind the log, is given when the caller names none. */
const JUDGE_SECONDS = 2;
const POLL_MS = 50;

async function unjudged(connection: Connection, ledger: Ledger, where: Condition): Promise<number> {
  return Number(await scalar(connection, `SELECT COUNT(*) ${fromOperations(ledger)} WHERE ${where.sql} AND o.state = 'partial'`, where.parameters));
}

/**
 * Waits until the projection has judged what capture marked as partial: that moves operations into a selection, or gaps into its
 * range, which must not happen while a plan is being made.
 * @param seconds at most so long; null: a moment.
 */
export async function untilJudged({ connection, ledger, signal }: ScriptContext, where: Condition, seconds: number | null): Promise<void> {
  const deadline = performance.now() + (seconds ?? JUDGE_SECONDS) * 1000;
  while (await unjudged(connection, ledger, where) > 0 && performance.now() < deadline) await delay(POLL_MS, undefined, signal ? { signal } : {});
}

/** Operations that capture marked as partial, and that no consumer of the log has judged yet. */
export async function unjudgedFindings(connection: Connection, ledger: Ledger, where: Condition): Promise<Finding[]> {
  const count = await unjudged(connection, ledger, where);
  return count === 0 ? [] : [{
    code: 'GAP_IN_RANGE', allow: 'gap',
    message: `Row images of ${count} operations lack columns, and the projection has not judged yet whether they can be undone`,
  }];
}

/** The newest cut of each table: what lies before it, lies before the others or between. */
export function newestCuts(cuts: readonly Cut[]): Cut[] {
  const last = new Map<string, Cut>();
  for (const cut of cuts.toSorted((a, b) => a.ordinal - b.ordinal || a.seq - b.seq)) last.set(`${cut.schema}\0${cut.table}`, cut);
  return [...last.values()];
}

/** Leaves out what lies before the cut. */
export function behindCut({ schema, table, ordinal, seq }: Cut): Condition {
  return {
    sql: `NOT (o.schema_name = ? AND ${table === '' ? '? = \'\'' : 'o.table_name = ?'} AND (o.ordinal < ? OR (o.ordinal = ? AND o.seq < ?)))`,
    parameters: [schema, table, ordinal, ordinal, seq],
  };
}

/** @param lost how many selected operations lie before the cut. */
export function cutFinding({ shown, asked, what }: Cut, lost: number): Finding | null {
  if (lost === 0 && !asked) return null;
  const left = lost > 0 ? `; ${lost} operations before it are left out` : '';
  return { code: 'NOT_UNDOABLE', allow: 'dataloss', message: `${shown} ${what}${left}` };
}

export function tableFindings(histories: Iterable<TableHistory>, triggers: ScriptOptions['triggers']): Finding[] {
  const findings = [...histories].flatMap((history) => historyFindings(history, triggers));
  // Rows before and behind DDL on the same table may have the same to say.
  return findings.filter(({ message }, i) => findings.findIndex((other) => other.message === message) === i);
}

function historyFindings(history: TableHistory, triggers: ScriptOptions['triggers']): Finding[] {
  const findings: Finding[] = [];
  const { present, entries, changed } = history;
  const name = nameOf(history);
  if (changed !== null) {
    findings.push({ code: entries.length === 0 && !present ? 'DEFINITION_UNKNOWN' : 'DEFINITION_CHANGED', allow: null, message: `${name}: ${changed}` });
    return findings;
  }
  if (!present) return findings;
  if (present.systemVersioned) findings.push({ code: 'NOT_UNDOABLE', allow: null, message: `${name} is system-versioned, which this release does not undo` });
  if (!present.transactional) findings.push(lasting(history, present));
  const names = present.triggers.join(', ');
  if (triggers === 'fire' && names !== '') findings.push({ code: 'TRIGGERS_WOULD_FIRE', allow: 'trigger', message: `${name} has triggers that the script would fire: ${names}` });
  const why = triggers === 'skip' && names !== '' ? notAsEvents(history, present) : null;
  if (why !== null) findings.push({ code: 'TRIGGERS_WOULD_FIRE', allow: null, message: `${name} has triggers (${names}), and its rows cannot be put back as row events: ${why}` });
  return findings;
}

/** Engines whose rows go in and no longer out; BLACKHOLE logs rows that it does not keep. */
const WITHOUT_UNDO: Readonly<Record<string, string>> = { ARCHIVE: 'deletes and updates no row', BLACKHOLE: 'keeps no row' };

function lasting({ kinds, ...name }: TableHistory, { engine }: TableDefinition): Finding {
  const why = WITHOUT_UNDO[engine.toUpperCase()];
  if (why !== undefined && (kinds.inserted || kinds.updated)) return { code: 'NOT_UNDOABLE', allow: null, message: `${nameOf(name)} is ${engine}, which ${why}` };
  return {
    code: 'NOT_ATOMIC', allow: 'nonatomic',
    message: `${nameOf(name)} is ${engine}, which cannot roll back: the script is divided into sections, of which those over such tables look at all of their rows under LOCK TABLES first, and what one has done stays when a later one fails`,
  };
}

/** A row event takes a whole image of the table as it is, and nothing holds it back where it does not find its row. */
function notAsEvents({ unaltered }: TableHistory, { transactional, engine }: TableDefinition): string | null {
  if (!unaltered) return 'the table was altered or renamed since';
  return transactional ? null : `${engine} cannot roll back`;
}

/** @throws UndoError TABLE_UNKNOWN, OPID_UNKNOWN for what the log never met. */
export async function requireKnownNames(connection: Connection, ledger: Ledger, range: LogRange, selection: Selection): Promise<void> {
  for (const opid of selection.opids) {
    const found = await rows(connection, `SELECT 1 AS found FROM ${ledger.table('operations')} WHERE opid = ? AND source_id = ? LIMIT 1`, [opid, range.source.id]);
    if (found.length === 0) throw new UndoError('OPID_UNKNOWN', `The log of "${range.source.alias}", which covers ${formatPosition(range.start)} to ${formatPosition(range.reach)}, holds no operation ${JSON.stringify(opid.slice(0, 100))}.`);
  }
  for (const id of selection.scripts) {
    const found = await rows(connection, `SELECT 1 AS found FROM ${ledger.table('transactions')} WHERE script_id = ? AND source_id = ? LIMIT 1`, [id, range.source.id]);
    if (found.length > 0) continue;
    throw new UndoError('SCRIPT_UNKNOWN', `The log of "${range.source.alias}" holds no run of a script ${JSON.stringify(id.slice(0, 100))}.`, {
      fix: 'Take the id from the head of the script, or from binlog-undo find. Scripts are told by a mark in their SQL: a source that does not log the SQL of row changes does not show it.',
    });
  }
  const seen = async (schema: string, table: string | null): Promise<boolean> => {
    for (const name of ['operations', 'definitions', 'gaps']) {
      const found = await rows(connection,
        `SELECT 1 AS found FROM ${ledger.table(name)} WHERE source_id = ? AND schema_name = ? ${table === null ? '' : 'AND table_name = ?'} LIMIT 1`,
        [range.source.id, schema, ...(table === null ? [] : [table])]);
      if (found.length > 0) return true;
    }
    return false;
  };
  const excluded = new Set(await excludedInRange(connection, ledger, range, selection));
  for (const database of [...selection.databases, ...selection.excludeDatabases]) {
    if (!excluded.has(`database ${database}`) && !(await seen(database, null))) throw new UndoError('TABLE_UNKNOWN', `The log of "${range.source.alias}" never met a database ${JSON.stringify(database)}.`);
  }
  for (const name of [...selection.tables, ...selection.excludeTables]) {
    if (excluded.has(formatTable(name)) || excluded.has(`database ${name.schema}`) || await seen(name.schema, name.table)) continue;
    const similar = await similarNames(connection, ledger, range, name.schema);
    throw new UndoError('TABLE_UNKNOWN', `The log of "${range.source.alias}" never met a table ${formatTable(name)}${similar}.`);
  }
}

async function similarNames(connection: Connection, ledger: Ledger, range: LogRange, schema: string): Promise<string> {
  const found = await rows<{ name: string }>(connection,
    `SELECT DISTINCT table_name AS name FROM ${ledger.table('operations')} WHERE source_id = ? AND schema_name = ? AND table_name <> '' LIMIT 10`, [range.source.id, schema]);
  return found.length === 0 ? '' : `; in that database it met ${found.map(({ name }) => name).join(', ')}`;
}
