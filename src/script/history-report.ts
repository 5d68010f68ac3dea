import { UndoError } from '../core/errors.ts';
import { row, rows, run } from '../core/mysql.ts';
import { formatPosition } from '../core/position.ts';
import { requireLedger } from '../store/ledger.ts';
import { commentText } from './comment.ts';
import { counted } from './counted.ts';
import type { ScriptContext } from './context.ts';
import { formatDatetime, formatMicros } from './datetime.ts';
import type { HistoryQuery } from './selection.ts';

/** One plan or script that was asked for. */
export interface ScriptRecord {
  readonly id: string;
  readonly kind: 'plan' | 'script';
  readonly state: 'starting' | 'running' | 'complete' | 'error' | 'cancelled';
  /** Null when it failed before that was known. */
  readonly source: string | null;
  /** User of the machine or name of the token, and where the request came from. */
  readonly requester: string;
  readonly client: string;
  readonly version: string;
  /** Selection and options, as parameters. */
  readonly asked: string;
  readonly validityPoint: { readonly position: string; readonly time: string } | null;
  readonly tables: readonly { readonly table: string; readonly inserted: number; readonly updated: number; readonly deleted: number }[];
  readonly operations: number | null;
  readonly rows: number | null;
  readonly statements: number | null;
  readonly bytes: number | null;
  readonly error: string | null;
  readonly started: string;
  /** The last sign of life. */
  readonly touched: string;
  readonly ended: string | null;
  /** When it was applied on its source, as the log saw it by the script's mark; null: not, or not seen. */
  readonly applied: string | null;
}

export interface ScriptHistory {
  readonly scripts: readonly ScriptRecord[];
  /** To be given as `before` for the next page. */
  readonly next: string | null;
}

type Fields = Record<string, string | number | null>;

const select = (context: ScriptContext): string =>
  `SELECT h.*, s.alias AS alias, (SELECT MAX(t.commit_micros) FROM ${context.ledger.table('transactions')} t WHERE t.script_id = h.id) AS applied_micros FROM ${context.ledger.table('scripts')} h LEFT JOIN ${context.ledger.table('sources')} s ON s.id = h.source_id`;

/** The newest first. @throws UndoError LEDGER_MISSING, SCRIPT_UNKNOWN for an unknown `before`. */
export async function readScriptHistory(context: ScriptContext, query: HistoryQuery): Promise<ScriptHistory> {
  await requireLedger(context.connection, context.ledger);
  const conditions: string[] = [];
  const parameters: (string | number)[] = [];
  if (query.source !== null) {
    conditions.push('s.alias = ?');
    parameters.push(query.source);
  }
  if (query.before !== null) {
    await readScript(context, query.before);
    conditions.push(`(h.started, h.id) < (SELECT b.started, b.id FROM ${context.ledger.table('scripts')} b WHERE b.id = ?)`);
    parameters.push(query.before);
  }
  const found = await rows<Fields>(context.connection,
    `${select(context)} ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`} ORDER BY h.started DESC, h.id DESC LIMIT ${query.limit + 1}`, parameters);
  const scripts = found.slice(0, query.limit).map(describe);
  return { scripts, next: found.length > query.limit ? scripts.at(-1)!.id : null };
}

/** @throws UndoError SCRIPT_UNKNOWN, LEDGER_MISSING */
export async function readScript(context: ScriptContext, id: string): Promise<ScriptRecord> {
  await requireLedger(context.connection, context.ledger);
  const found = await row<Fields>(context.connection, `${select(context)} WHERE h.id = ?`, [id]);
  if (!found) throw new UndoError('SCRIPT_UNKNOWN', `The history holds no script ${JSON.stringify(id.slice(0, 100))}.`);
  return describe(found);
}

/** Asks whoever writes the script to stop; it does within about a second. One that has ended stays as it is. @throws UndoError SCRIPT_UNKNOWN */
export async function cancelScript(context: ScriptContext, id: string): Promise<ScriptRecord> {
  await readScript(context, id);
  await run(context.connection, `UPDATE ${context.ledger.table('scripts')} SET cancel = 1 WHERE id = ? AND ended IS NULL`, [id]);
  return readScript(context, id);
}

function describe(fields: Fields): ScriptRecord {
  const text = (name: string): string => String(fields[name]);
  const number = (name: string): number | null => (fields[name] === null || fields[name] === undefined ? null : Number(fields[name]));
  const file = fields.validity_file;
  return {
    id: text('id'), kind: text('kind') as ScriptRecord['kind'], state: text('state') as ScriptRecord['state'],
    source: fields.alias === null ? null : text('alias'), requester: text('requester'), client: text('client'), version: text('version'), asked: text('asked'),
    validityPoint: file === null ? null : { position: formatPosition({ file: String(file), offset: number('validity_offset')! }), time: formatMicros(number('validity_micros')!) },
    tables: fields.objects === null ? [] : JSON.parse(text('objects')) as ScriptRecord['tables'],
    operations: number('operations'), rows: number('row_changes'), statements: number('statements'), bytes: number('bytes'),
    error: fields.error === null ? null : text('error'),
    started: formatDatetime(text('started')), touched: formatDatetime(text('touched')), ended: fields.ended === null ? null : formatDatetime(text('ended')),
    applied: fields.applied_micros === null ? null : formatMicros(Number(fields.applied_micros)),
  };
}

/** The list for people. */
export function historyText(history: ScriptHistory): string {
  if (history.scripts.length === 0) return 'No plan or script was asked for.\n';
  const blocks = history.scripts.map((script) => [
    `${script.id}  ${script.kind} ${script.state}${script.ended === null ? ` (last sign of life ${script.touched})` : ''}`,
    `  ${script.started} by ${commentText(script.requester)} from ${commentText(script.client)}, source ${script.source ?? 'unknown'}`,
    `  ${commentText(script.asked, 300)}`,
    ...(script.operations === null ? [] : [`  ${counted(script.operations, 'operation')}, ${counted(script.rows ?? 0, 'row')}: ${script.tables.map(({ table }) => commentText(table)).join(', ') || 'nothing'}`]),
    ...(script.validityPoint === null ? [] : [`  takes back to ${script.validityPoint.position}, just before ${script.validityPoint.time}`]),
    ...(script.bytes === null ? [] : [`  ${counted(script.bytes, 'byte')} written`]),
    ...(script.applied === null ? [] : [`  applied ${script.applied}; its undo: binlog-undo script --script ${script.id}`]),
    ...(script.error === null ? [] : [`  ${commentText(script.error, 500)}`]),
  ].join('\n'));
  return `${[...blocks, ...(history.next === null ? [] : [`More: --before ${history.next}`])].join('\n\n')}\n`;
}
