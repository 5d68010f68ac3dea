import { randomBytes } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { UndoError, reasonOf } from '../core/errors.ts';
import { run, scalar, serverErrorNumber } from '../core/mysql.ts';
import type { ScriptContext } from './context.ts';
import { describeSelection } from './head.ts';
import type { Plan } from './plan.ts';
import type { ScriptSummary } from './script-summary.ts';
import { formatTable, type ScriptOptions, type Selection } from './selection.ts';

export type RequestKind = 'plan' | 'script';

const PROGRESS_EVERY_MS = 1000;
const ASKED_CHARACTERS = 10_000;
const ERROR_CHARACTERS = 2000;

/** The server lets this account read only, or the ledger is not there or read-only: the request itself will tell what matters. */
const CANNOT_RECORD = new Set([1044, 1049, 1142, 1143, 1146, 1290, 1792, 1836]);

/**
 * The row of one plan or script in the ledger's history, from `starting` over `running` to `complete`, `error` or `cancelled`.
 * An account that may not write to the ledger gets its plan or script all the same: `recorded` is false then.
 */
export class HistoryEntry {
  readonly id = randomBytes(8).toString('hex');
  #recorded = true;
  readonly #connection: Connection;
  readonly #table: string;
  #touched = performance.now();

  private constructor(context: ScriptContext) {
    this.#connection = context.connection;
    this.#table = context.ledger.table('scripts');
  }

  static async open(context: ScriptContext, kind: RequestKind, selection: Selection, options: ScriptOptions): Promise<HistoryEntry> {
    const entry = new HistoryEntry(context);
    const { requester, version } = context;
    const asked = [...(selection.source === null ? [] : [`source=${selection.source}`]), ...describeSelection(selection), ...describeOptions(options)].join(' ');
    await entry.#write(
      `INSERT INTO ${entry.#table} (id, kind, state, requester, client, version, asked, started, touched)
       VALUES (?, ?, 'starting', ?, ?, ?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`,
      [entry.id, kind, requester.name.slice(0, 255), requester.client.slice(0, 255), version, asked.slice(0, ASKED_CHARACTERS)]);
    return entry;
  }

  get recorded(): boolean {
    return this.#recorded;
  }

  /** What the request means is known; a plan is complete with that. */
  async planned(plan: Plan, state: 'starting' | 'complete'): Promise<void> {
    const { oldest, tables, totals, range } = plan;
    const objects = tables.map((table) => ({ table: formatTable(table), inserted: table.inserted, updated: table.updated, deleted: table.deleted }));
    const rows = tables.reduce((sum, table) => sum + table.inserted + table.updated + table.deleted, 0);
    await this.#write(
      `UPDATE ${this.#table} SET source_id = ?, state = ?, validity_file = ?, validity_offset = ?, validity_micros = ?, objects = ?, operations = ?, row_changes = ?,
         touched = UTC_TIMESTAMP(6), ended = IF(state = 'complete', UTC_TIMESTAMP(6), NULL) WHERE id = ?`,
      [range.source.id, state, oldest?.start.file ?? null, oldest?.start.offset ?? null, oldest?.commitMicros ?? null, JSON.stringify(objects), totals.operations, rows, this.id]);
  }

  /**
   * Notes how far the script is, at most once a second.
   * @throws UndoError SCRIPT_CANCELLED when somebody asked for that.
   */
  async progress(bytes: number): Promise<void> {
    if (performance.now() - this.#touched < PROGRESS_EVERY_MS || !this.#recorded) return;
    this.#touched = performance.now();
    await this.#write(`UPDATE ${this.#table} SET state = 'running', bytes = ?, touched = UTC_TIMESTAMP(6) WHERE id = ?`, [bytes, this.id]);
    if (Number(await scalar(this.#connection, `SELECT cancel FROM ${this.#table} WHERE id = ?`, [this.id])) === 1) {
      throw new UndoError('SCRIPT_CANCELLED', `The script ${this.id} was cancelled.`);
    }
  }

  async complete(bytes: number, { statements }: ScriptSummary): Promise<void> {
    await this.#write(
      `UPDATE ${this.#table} SET state = 'complete', bytes = ?, statements = ?, touched = UTC_TIMESTAMP(6), ended = UTC_TIMESTAMP(6) WHERE id = ?`, [bytes, statements, this.id]);
  }

  /**
   * Notes why there is no whole script. Never throws: what failed first is what the caller has to tell.
   * @param error null: its reader went away.
   */
  async failed(error: unknown): Promise<void> {
    const cancelled = error === null || (error instanceof UndoError && error.code === 'SCRIPT_CANCELLED');
    const text = error === null ? 'The reader went away before the end.' : error instanceof UndoError ? error.oneLine() : reasonOf(error);
    await this.#write(
      `UPDATE ${this.#table} SET state = ?, error = ?, touched = UTC_TIMESTAMP(6), ended = UTC_TIMESTAMP(6) WHERE id = ?`,
      [cancelled ? 'cancelled' : 'error', text.slice(0, ERROR_CHARACTERS), this.id]).catch(() => undefined);
  }

  /** The script is not wanted: its reader has it. */
  async dropped(why: string): Promise<void> {
    await this.#write(`UPDATE ${this.#table} SET state = 'cancelled', error = ?, touched = UTC_TIMESTAMP(6), ended = UTC_TIMESTAMP(6) WHERE id = ?`, [why, this.id]);
  }

  async #write(sql: string, parameters: (string | number | null)[]): Promise<void> {
    if (!this.#recorded) return;
    try {
      await run(this.#connection, sql, parameters);
    } catch (error) {
      if (!CANNOT_RECORD.has(serverErrorNumber(error) ?? 0)) throw error;
      this.#recorded = false;
    }
  }
}

function describeOptions({ mode, format, guard, update, form, target, triggers, parts, fromPart, onceTable, allow }: ScriptOptions): string[] {
  return [...(format === 'check' ? ['format=check'] : []), `guard=${guard}`, `update=${update}`, ...(form === 'multi' ? [] : ['form=single']), `target=${target}`, ...(triggers === 'fire' ? [] : [`triggers=${triggers}`]), `mode=${mode}`, ...describeParts(parts, fromPart), ...(onceTable === null ? [] : [`once_table=${formatTable(onceTable)}`]), ...[...allow].map((reason) => `allow=${reason}`)];
}

function describeParts(parts: ScriptOptions['parts'], from: number): string[] {
  if (parts === 'whole') return [];
  return [parts === 'transaction' ? 'atomic=false' : `chunk_rows=${parts.rows}`, ...(from > 1 ? [`from_part=${from}`] : [])];
}
