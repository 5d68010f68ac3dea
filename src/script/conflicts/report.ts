import { UndoError } from '../../core/errors.ts';
import { rows } from '../../core/mysql.ts';
import { formatPosition } from '../../core/position.ts';
import { toTransaction, transactionColumns } from '../../store/log-reader.ts';
import type { ScriptContext } from '../context.ts';
import { counted } from '../counted.ts';
import { formatMicros } from '../datetime.ts';
import type { ConflictMode } from '../parameters.ts';
import { formatTable } from '../selection.ts';
import { fromOperations } from '../tally.ts';
import type { LeftOut } from './analyse.ts';
import { suggestedFor, suggestion } from './suggest.ts';
import type { Conflict, ConflictKind, ConflictSide } from './types.ts';

/** One side of a conflict, as people and programs look it up. */
export interface ConflictOperation {
  readonly opid: string;
  readonly position: string;
  readonly gtid: string | null;
  readonly time: string;
  /** Null: the server does not tell. */
  readonly threadId: number | null;
}

export interface ConflictReport {
  readonly kind: ConflictKind;
  readonly table: string;
  readonly key: string;
  readonly undone: ConflictOperation;
  readonly later: ConflictOperation;
  /** `restored`: the later change changed what the undo puts back or finds the row by; `other`: other columns of the row only. */
  readonly columns: 'restored' | 'other';
  /** Columns that the later change changed; null: the row as a whole. */
  readonly changed: readonly string[] | null;
  readonly suggested: ConflictMode;
}

/** What later changes mean for a plan. */
export interface PlanConflicts {
  readonly mode: ConflictMode;
  /** False: not looked for (nocascade-force). */
  readonly analysed: boolean;
  /** Selected row changes that a later change stands in the way of. */
  readonly rows: number;
  /** Of these, the ones whose undo would put back, or find the row by, what a later change changed. */
  readonly restored: number;
  /** Later transactions in conflict. */
  readonly transactions: number;
  /** The first of the conflicts. */
  readonly listed: readonly ConflictReport[];
  /** nonconflict-only: what the script leaves out. */
  readonly leftOut: LeftOut | null;
  /** cascade: later transactions that are undone as well. */
  readonly cascaded: number;
  /** The mode that fits all of them; null: none is needed. */
  readonly suggested: ConflictMode | null;
}

export const NOT_ANALYSED = (mode: ConflictMode): PlanConflicts => ({ mode, analysed: false, rows: 0, restored: 0, transactions: 0, listed: [], leftOut: null, cascaded: 0, suggested: null });

/** Names both transactions of each conflict. @param mode that the conflicts are left over from. */
export async function describeConflicts(context: ScriptContext, sourceId: number, conflicts: readonly Conflict[], mode: ConflictMode): Promise<ConflictReport[]> {
  const { connection, ledger } = context;
  const wanted = [...new Set(conflicts.flatMap(({ selected, later }) => [selected.ordinal, later.ordinal]))];
  const operations = new Map<string, ConflictOperation>();
  for (let at = 0; at < wanted.length; at += 500) {
    const some = wanted.slice(at, at + 500);
    const found = await rows<Record<string, string | number | null>>(connection,
      `SELECT ${transactionColumns('t')}, o.seq AS seq, o.opid AS opid ${fromOperations(ledger)} WHERE o.source_id = ? AND o.ordinal IN (${some.map(() => '?').join(', ')})`, [sourceId, ...some]);
    for (const one of found) {
      const transaction = toTransaction(one);
      operations.set(`${transaction.ordinal} ${Number(one.seq)}`, {
        opid: String(one.opid), position: formatPosition(transaction.start), gtid: transaction.gtid, time: formatMicros(transaction.commitMicros),
        threadId: transaction.threadId === 0 ? null : transaction.threadId,
      });
    }
  }
  const side = ({ ordinal, seq }: ConflictSide): ConflictOperation => {
    const known = operations.get(`${ordinal} ${seq}`);
    if (!known) throw new UndoError('INTERNAL', `The log holds no operation ${seq} of transaction ${ordinal}.`);
    return known;
  };
  return conflicts.map((conflict) => {
    const { kind, schema, table, key, selected, later, restored, changed } = conflict;
    const [undone, by] = [side(selected), side(later)];
    return { kind, table: formatTable({ schema, table }), key, undone, later: by, columns: restored ? 'restored' : 'other', changed, suggested: suggestedFor(conflict, undone, by, mode) };
  });
}

/** Columns that one line names. */
const MOST_COLUMNS = 8;

const KINDS: Readonly<Record<ConflictKind, string>> = {
  row: 'changed the row', 'primary-key': 'took the primary key', 'unique-key': 'took the unique key', 'foreign-key': 'depends by foreign key on',
};

export function conflictLine({ kind, table, key, undone, later, columns, changed }: ConflictReport): string {
  const thread = later.threadId === null ? '' : ` of thread ${later.threadId}`;
  return `${later.opid}${thread} (${later.time}, ${later.position}) ${KINDS[kind]} ${key} in ${table} after ${undone.opid}${kind === 'row' ? `, ${whatChanged(columns, changed)}` : ''}`;
}

function whatChanged(columns: ConflictReport['columns'], changed: ConflictReport['changed']): string {
  if (changed === null) return 'as a whole';
  const some = changed.length > MOST_COLUMNS ? `${changed.slice(0, MOST_COLUMNS).join(', ')} and more` : changed.join(', ');
  return columns === 'other' ? `in other columns than the undo restores (${some})` : `in columns that the undo restores or needs (changed: ${some})`;
}

/** Why there is no script: refuses in the modes that undo all or nothing. @throws UndoError CONFLICT */
export function refuseConflicts(conflicts: PlanConflicts): void {
  const { mode, rows: count, transactions, listed } = conflicts;
  if (count === 0 || (mode !== 'nocascade' && mode !== 'cascade')) return;
  const some = listed.slice(0, 3).map(conflictLine);
  const more = listed.length > some.length ? ` (and more; binlog-undo plan lists them)` : '';
  throw new UndoError('CONFLICT', `${counted(count, 'row change')} to be undone ${count === 1 ? 'is' : 'are'} in conflict with ${counted(transactions, 'later transaction')}: ${some.join('; ')}${more}.`, {
    details: { conflicts: listed.slice(0, 100), suggested: conflicts.suggested }, fix: `${suggestion(conflicts)} binlog-undo plan lists all.`,
  });
}
