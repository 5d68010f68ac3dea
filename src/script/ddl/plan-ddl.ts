import { setTimeout as delay } from 'node:timers/promises';
import type { TableName } from '../../binlog/sql/classify.ts';
import { rows } from '../../core/mysql.ts';
import { undoDdl, type DdlVerdict } from '../../rollback/ddl/undo-ddl.ts';
import type { UndoStatement } from '../../rollback/ddl/verdict.ts';
import type { DdlStates } from '../../schema/ddl-states.ts';
import { ddlStates } from '../../store/ddl-states.ts';
import { objectsAsked, objectStates } from '../../store/object-states.ts';
import { and, inTableScope, type Condition } from '../conditions.ts';
import type { ScriptContext } from '../context.ts';
import type { Cut, Finding } from '../finding.ts';
import type { LogRange } from '../range.ts';
import type { ScriptOptions, Selection } from '../selection.ts';
import { fromOperations } from '../tally.ts';
import { around, type Around } from './expectations.ts';
import { describeChange, isStepOf, onlineChanges, type OnlineChange } from './online-change.ts';
import { concerns, ddlBackwards, describeDdl, isBeside, isCreation, type DdlRecord } from './records.ts';

/** A DDL that a script undoes. */
export interface UndoneDdl extends DdlRecord {
  readonly read: NonNullable<DdlRecord['read']>;
  /** In order, each with its semicolon. */
  readonly statements: readonly UndoStatement[];
  /** What does not come back; null: everything does. */
  readonly loss: string | null;
  readonly around: Around;
}

export interface DdlPlan {
  /** Newest first. */
  readonly undone: readonly UndoneDdl[];
  /** Effective DDL from the begin of the range to the log's end that is not undone, newest first. */
  readonly kept: readonly DdlRecord[];
  /** Behind these rows cannot be taken back any further. */
  readonly cuts: readonly Cut[];
  /** Tables whose rows are no changes of data: the copies of online schema changes. */
  readonly copies: readonly TableName[];
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}

/** Seconds that a replay, which runs beside the stream, is given when the caller names none. */
const REPLAY_SECONDS = 10;
const POLL_MS = 50;

/**
 * Which DDL of a selection a script undoes, and what stands against that.
 * @param chosen the operations that are selected, rows and DDL.
 */
export async function planDdl(context: ScriptContext, range: LogRange, selection: Selection, options: ScriptOptions, chosen: Condition, hasRows: boolean): Promise<DdlPlan> {
  const { connection, ledger } = context;
  const records = await ddlBackwards(connection, ledger, range, range.from);
  const asked = new Set((await rows<Record<'ordinal' | 'seq', string>>(connection,
    `SELECT o.ordinal AS ordinal, o.seq AS seq ${fromOperations(ledger)} WHERE ${and(chosen, { sql: 'o.ddl = 1', parameters: [] }).sql}`, chosen.parameters))
    .map(({ ordinal, seq }) => `${ordinal} ${seq}`));
  const draft = new Draft(range, selection);
  const online = onlineChanges(records);
  for (const record of records) {
    // Scripts take DROP DATABASE as a whole.
    if (record.read && record.read.statement.database !== null && record.operation.table !== '') continue;
    if (online.some((change) => isStepOf(change, record))) {
      draft.step(record);
      continue;
    }
    if (isBeside(record)) {
      if (asked.has(keyOf(record))) draft.beside++;
      continue;
    }
    const wanted = asked.has(keyOf(record));
    const partner = records.some((other) => other !== record && other.operation.ordinal === record.operation.ordinal && asked.has(keyOf(other)));
    const { ifExists = false, ifNotExists = false } = record.read?.statement ?? {};
    if (!wanted && !partner && !ifExists && !ifNotExists) {
      draft.keep(record, 'not selected');
      continue;
    }
    const verdict = await judge(context, range, record, options.wait);
    if (verdict.kind === 'no-effect') continue;
    // The undo may stand with another table of the statement, which is judged by itself. Rows that the two exchanged are gone from both.
    if (verdict.kind === 'elsewhere' && partner) {
      if (record.read?.statement.rowsOutsideLog === true) draft.keep(record, 'rows moved between its tables, which is not in the binlog', wanted);
      continue;
    }
    if (wanted) draft.ask(record, verdict);
    else draft.keep(record, 'not selected');
  }
  return draft.finish(options, hasRows, online);
}

const keyOf = ({ operation }: DdlRecord): string => `${operation.ordinal} ${operation.seq}`;

interface Judged {
  readonly kind: DdlVerdict['kind'];
  readonly undo: { readonly statements: readonly UndoStatement[]; readonly loss: string | null; readonly around: Around } | null;
  readonly why: string;
}

async function judge(context: ScriptContext, range: LogRange, { operation, transaction, read }: DdlRecord, wait: number | null): Promise<Judged> {
  if (read === null) return { kind: 'refused', undo: null, why: 'its text was not fully understood' };
  const { flavour } = range.source;
  if (read.statement.object === 'DATABASE' && read.statement.verb === 'DROP') return { kind: 'refused', undo: null, why: 'it removed tables with rows that are not in the binlog' };
  const states = await settledStates(context, range, transaction, read.statement.tables, wait);
  if (states === null) return { kind: 'refused', undo: null, why: 'what it made is still being found out' };
  const objects = await objectStates(context.connection, context.ledger, range.source.id, transaction, [operation.schema], objectsAsked(read.statement, operation));
  const verdict = undoDdl({ ...read, flavour, states, objects }, operation);
  if (verdict.kind === 'refused') return { kind: 'refused', undo: null, why: verdict.why };
  if (verdict.kind !== 'undo') return { kind: verdict.kind, undo: null, why: '' };
  const known = around(read, operation, states, operation.session?.schema ?? '');
  if (known === null) return { kind: 'refused', undo: null, why: 'the definitions around it are not known' };
  return { kind: 'undo', undo: { statements: verdict.statements, loss: verdict.loss, around: known }, why: '' };
}

/** Waits for what is being run again; null when that takes too long. */
async function settledStates({ connection, ledger, signal }: ScriptContext, { source }: LogRange, transaction: DdlRecord['transaction'], names: readonly TableName[], wait: number | null): Promise<DdlStates | null> {
  const deadline = performance.now() + (wait ?? REPLAY_SECONDS) * 1000;
  for (;;) {
    const states = await ddlStates(connection, ledger, source, transaction, names);
    if (states !== null || performance.now() >= deadline) return states;
    await delay(POLL_MS, undefined, signal ? { signal } : {});
  }
}

/** Grows from the newest DDL to the oldest. */
class Draft {
  readonly #range: LogRange;
  readonly #selection: Selection;
  readonly #undone: UndoneDdl[] = [];
  readonly #kept: DdlRecord[] = [];
  readonly #cuts: Cut[] = [];
  readonly #findings: Finding[] = [];
  /** DDL on views, routines and the like among what was selected. */
  beside = 0;

  constructor(range: LogRange, selection: Selection) {
    this.#range = range;
    this.#selection = selection;
  }

  ask(record: DdlRecord, { undo, why }: Judged): void {
    const { read } = record;
    if (undo === null || read === null) {
      this.keep(record, why === '' ? 'its undo stands with another table of the statement, which is not selected' : `it cannot be undone: ${why}`, true);
      return;
    }
    const later = this.#kept.find((other) => changesDefinition(other) && [record.operation, ...read.statement.tables].some((name) => concerns(other, tableOf(name))));
    if (later) {
      this.#findings.push({ code: 'NOT_UNDOABLE', allow: null, message: `${describeDdl(record)} cannot be undone: ${describeDdl(later)} came after it and is not undone` });
      return;
    }
    const lost = this.#cuts.find((cut) => read.statement.renames.some(({ to }) => to.schema === cut.schema && (cut.table === '' || to.table === cut.table)));
    if (lost) {
      this.#findings.push({ code: 'NOT_UNDOABLE', allow: null, message: `${describeDdl(record)} cannot be undone: it would put a table in its place whose rows are lost since ${lost.shown}` });
      return;
    }
    this.#undone.push({ ...record, read, ...undo });
    if (undo.loss !== null) this.#cut(record, `is undone without ${undo.loss}`, true);
  }

  /** @param asked the selection names it all the same. */
  keep(record: DdlRecord, why: string, asked = false): void {
    this.#kept.push(record);
    const { read, operation } = record;
    const destroys = read === null || !read.statement.certain || read.statement.rowsOutsideLog || operation.type === 'DROPDB';
    if (destroys) this.#cut(record, asked ? `is not undone: ${why}` : `is not undone (${why})`, asked);
    else if (asked) this.#findings.push({ code: 'NOT_UNDOABLE', allow: 'dataloss', message: `${describeDdl(record)} is not undone: ${why}` });
  }

  #cut(record: DdlRecord, what: string, asked: boolean): void {
    const { schema, table, ordinal, seq } = record.operation;
    if (ordinal >= this.#range.to || !inTableScope(this.#selection, schema, table)) return;
    this.#cuts.push({ schema, table, ordinal, seq, shown: describeDdl(record), asked, what });
  }

  /** Work of an online schema change, which stays. */
  step(record: DdlRecord): void {
    this.#kept.push(record);
  }

  finish({ allow, parts }: ScriptOptions, hasRows: boolean, online: readonly OnlineChange[]): DdlPlan {
    const said = online.filter(({ swap, table }) => swap.operation.ordinal < this.#range.to && inTableScope(this.#selection, table.schema, table.table)).map(describeChange);
    const beside = this.beside === 0 ? [] : [`DDL on views, triggers, routines, events, sequences or the defaults of a database (${this.beside}) is not undone by scripts.`];
    const warnings = [...said, ...beside];
    const { length } = this.#undone;
    const plan = { kept: this.#kept, cuts: this.#cuts, findings: this.#findings, copies: online.flatMap(({ helpers }) => helpers) };
    if (length === 0) return { ...plan, undone: [], warnings };
    const consented = allow.has('nonatomic') || parts === 'transaction';
    // An empty table that stays behind does no harm: rows can be undone without it, all or nothing.
    if (!consented && hasRows && this.#undone.every(({ read }) => isCreation(read.statement))) {
      const [first] = this.#undone;
      return {
        ...plan, undone: [], kept: [...this.#kept, ...this.#undone].sort((a, b) => b.operation.ordinal - a.operation.ordinal || b.operation.seq - a.operation.seq),
        warnings: [...warnings, `What was created stays, without the rows: ${describeDdl(first!)}${length === 1 ? '' : ` and ${length - 1} more`}. With allow=nonatomic it is dropped as well.`],
      };
    }
    const [newest] = this.#undone;
    return {
      ...plan, undone: this.#undone, warnings,
      findings: [...this.#findings, ...(parts === 'transaction' ? [] : [{
        code: 'NOT_ATOMIC' as const, allow: 'nonatomic' as const,
        message: `${describeDdl(newest!)}${length === 1 ? '' : ` and ${length - 1} more`} cannot be rolled back: the script is divided into sections, each of which stays when a later one fails`,
      }])],
    };
  }
}

const tableOf = ({ schema, table }: TableName): TableName => ({ schema, table });

function changesDefinition({ read }: DdlRecord): boolean {
  return read?.statement.verb !== 'TRUNCATE';
}

/** The selected operations and their DDL as one condition. */
export function withDdl(where: Condition, { undone }: Pick<DdlPlan, 'undone'>, sourceId: number): Condition {
  if (undone.length === 0) return where;
  const places = undone.map(({ operation }) => `(${operation.ordinal}, ${operation.seq})`).join(', ');
  return { sql: `(${where.sql} OR (o.source_id = ? AND (o.ordinal, o.seq) IN (${places})))`, parameters: [...where.parameters, sourceId] };
}
