import { UndoError } from '../core/errors.ts';
import { row, run } from '../core/mysql.ts';
import { formatPosition } from '../core/position.ts';
import { requireLedger } from '../store/ledger.ts';
import { requireSource, type SourceRecord } from '../store/registry.ts';
import type { ScriptContext } from './context.ts';
import { formatDatetime, formatMicros } from './datetime.ts';
import { readGaps } from './gaps.ts';
import { formatTable } from './selection.ts';

export interface GapReport {
  readonly source: string;
  readonly gaps: readonly {
    readonly id: number;
    readonly reason: string;
    /** Null: all tables of all databases; a database alone: all its tables. */
    readonly scope: string | null;
    readonly from: string | null;
    readonly to: string;
    readonly fromTime: string | null;
    readonly toTime: string;
    readonly detail: string;
    /** When it was written into the ledger. */
    readonly noted: string;
    /** When an operator took note of it; null: open. */
    readonly acknowledged: string | null;
    readonly note: string | null;
  }[];
}

const LIMIT = 1000;

async function openSource(context: ScriptContext, alias: string | null): Promise<SourceRecord> {
  await requireLedger(context.connection, context.ledger);
  return requireSource(context.connection, context.ledger, alias);
}

/** The oldest thousand gaps of a source. */
export async function readGapReport(context: ScriptContext, alias: string | null): Promise<GapReport> {
  const source = await openSource(context, alias);
  const gaps = await readGaps(context.connection, context.ledger, source.id, 0, Number.MAX_SAFE_INTEGER, LIMIT);
  return {
    source: source.alias,
    gaps: gaps.map((gap) => ({
      id: gap.id, reason: gap.reason,
      scope: gap.schema === null ? null : gap.table === null ? gap.schema : formatTable({ schema: gap.schema, table: gap.table }),
      from: gap.from ? formatPosition(gap.from) : null, to: formatPosition(gap.to),
      fromTime: gap.fromMicros === null ? null : formatMicros(gap.fromMicros), toTime: formatMicros(gap.toMicros), detail: gap.detail,
      noted: formatDatetime(gap.noted), acknowledged: gap.acknowledged === null ? null : formatDatetime(gap.acknowledged), note: gap.note,
    })),
  };
}

/**
 * Notes that an operator knows of a gap, and what was done about it. The gap stays, and stays in the way of scripts.
 * @returns false when it had been acknowledged before: the first note stays.
 * @throws UndoError GAP_UNKNOWN
 */
export async function acknowledgeGap(context: ScriptContext, alias: string | null, id: number, note: string): Promise<boolean> {
  const { connection, ledger } = context;
  const source = await openSource(context, alias);
  const found = await row(connection, `SELECT id FROM ${ledger.table('gaps')} WHERE source_id = ? AND id = ?`, [source.id, id]);
  if (!found) throw new UndoError('GAP_UNKNOWN', `The log of "${source.alias}" has no gap ${id}.`);
  const noted = await run(connection,
    `UPDATE ${ledger.table('gaps')} SET acknowledged = UTC_TIMESTAMP(6), note = ? WHERE source_id = ? AND id = ? AND acknowledged IS NULL`, [note, source.id, id]);
  return noted.affectedRows === 1;
}

export function gapText(report: GapReport): string {
  if (report.gaps.length === 0) return `The log of "${report.source}" has no gaps.\n`;
  const open = report.gaps.filter(({ acknowledged }) => acknowledged === null).length;
  const lines = report.gaps.map((gap) => [
    `gap ${gap.id}  ${gap.reason}: ${gap.scope ?? 'all tables'}`,
    `  from ${gap.from ?? 'the begin'}${gap.fromTime === null ? '' : ` (${gap.fromTime})`} to ${gap.to} (${gap.toTime})`,
    `  ${gap.detail}`,
    gap.acknowledged === null ? `  open since ${gap.noted}` : `  acknowledged ${gap.acknowledged}: ${gap.note ?? ''}`,
  ].join('\n'));
  return `${lines.join('\n')}\n${report.gaps.length} gaps of "${report.source}", ${open} not acknowledged\n`;
}
