import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { UndoError, type ErrorCode } from '../core/errors.ts';
import { rows, scalar } from '../core/mysql.ts';
import { formatPosition } from '../core/position.ts';
import type { Ledger } from '../store/ledger.ts';
import { and, inTableScope, ordinals, type Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import { nameOf, type TableHistory } from './definitions.ts';
import { describeGap, excludedInRange, gapsInRange } from './gaps.ts';
import { purgedInRange } from './purged.ts';
import type { Allowance } from './parameters.ts';
import type { LogRange } from './range.ts';
import { formatTable, type Selection } from './selection.ts';
import { fromOperations } from './tally.ts';

/** Something that stands against a script. */
export interface Finding {
  readonly code: ErrorCode;
  /** What lets the script pass all the same; null: nothing does. */
  readonly allow: Allowance | null;
  readonly message: string;
}

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

/** DDL behind which rows of a table cannot be taken back any further. */
export interface Cut {
  readonly schema: string;
  /** Empty: every table of the schema. */
  readonly table: string;
  readonly type: string;
  readonly ordinal: number;
  readonly seq: number;
  readonly position: string;
  readonly threadId: number;
}

/** Of DDL, what bears on rows: not views, routines, triggers and the defaults of a database. */
const CUTTING = "o.ddl = 1 AND o.state <> 'no-effect' AND (o.type LIKE '%TABLE' OR o.type LIKE '%INDEX' OR o.type LIKE '%SEQUENCE' OR o.type = 'DROPDB')";

/** The last cutting DDL of each selected table in the range, by whichever session. */
export async function findCuts(connection: Connection, ledger: Ledger, range: LogRange, selection: Selection): Promise<Cut[]> {
  const where = and(ordinals(range.source.id, range.from, range.to), { sql: CUTTING, parameters: [] });
  const found = await rows<Record<string, string | number>>(connection,
    `SELECT o.schema_name AS schema_name, o.table_name AS table_name, o.type AS type, o.ordinal AS ordinal, o.seq AS seq, t.start_file AS file, t.start_offset AS at,
     t.thread_id AS thread_id ${fromOperations(ledger)} WHERE ${where.sql} ORDER BY o.ordinal, o.seq`, where.parameters);
  const last = new Map<string, Cut>();
  for (const ddl of found) {
    const cut: Cut = {
      schema: String(ddl.schema_name), table: String(ddl.table_name), type: String(ddl.type), ordinal: Number(ddl.ordinal), seq: Number(ddl.seq),
      position: formatPosition({ file: String(ddl.file), offset: Number(ddl.at) }), threadId: Number(ddl.thread_id),
    };
    if (inTableScope(selection, cut.schema, cut.table)) last.set(`${cut.schema}\0${cut.table}\0${isCreation(cut) ? 'create' : ''}`, cut);
  }
  return [...last.values()];
}

export const isCreation = (cut: Cut): boolean => cut.type === 'CREATETABLE';

/** Leaves out what lies before the cuts. */
export function behindCuts(cuts: readonly Cut[]): Condition[] {
  return cuts.map(({ schema, table, ordinal, seq }) => ({
    sql: `NOT (o.schema_name = ? AND ${table === '' ? '? = \'\'' : 'o.table_name = ?'} AND (o.ordinal < ? OR (o.ordinal = ? AND o.seq < ?)))`,
    parameters: [schema, table, ordinal, ordinal, seq],
  }));
}

/**
 * @param lost how many selected operations lie before the cut.
 * @param ownDdl the selection asks for the DDL itself, not only for rows of some session beside it.
 */
export function cutFinding(cut: Cut, lost: number, ownDdl: boolean): Finding | null {
  if (lost === 0 && (isCreation(cut) || !ownDdl)) return null;
  const name = cut.table === '' ? `database ${cut.schema}` : formatTable(cut);
  const left = lost > 0 ? `; ${lost} operations before it are left out` : '';
  return { code: 'NOT_UNDOABLE', allow: 'dataloss', message: `${cut.type} of ${name} at ${cut.position} is not undone by this release${left}` };
}

export function tableFindings(histories: Iterable<TableHistory>): Finding[] {
  const findings: Finding[] = [];
  for (const history of histories) {
    const { present, entries, changed } = history;
    const name = nameOf(history);
    if (changed !== null) {
      findings.push({ code: entries.length === 0 && !present ? 'DEFINITION_UNKNOWN' : 'DEFINITION_CHANGED', allow: null, message: `${name}: ${changed}` });
      continue;
    }
    if (!present) continue;
    if (present.systemVersioned) findings.push({ code: 'NOT_UNDOABLE', allow: null, message: `${name} is system-versioned, which this release does not undo` });
    if (!present.transactional) findings.push({ code: 'NOT_ATOMIC', allow: 'nonatomic', message: `${name} is ${present.engine}, which cannot roll back` });
    if (present.triggers.length > 0) {
      findings.push({ code: 'TRIGGERS_WOULD_FIRE', allow: 'trigger', message: `${name} has triggers that the script would fire: ${present.triggers.join(', ')}` });
    }
  }
  return findings;
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
