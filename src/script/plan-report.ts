import { ERRORS } from '../core/errors.ts';
import { formatPosition } from '../core/position.ts';
import { commentText } from './comment.ts';
import { conflictLine, type ConflictReport } from './conflicts/report.ts';
import { suggestion } from './conflicts/suggest.ts';
import type { ScriptContext } from './context.ts';
import { counted, countedChanges } from './counted.ts';
import { formatMicros } from './datetime.ts';
import { newestOperations, operationLines, type FoundOperation } from './find.ts';
import { describeSelection, packetNeeded } from './head.ts';
import type { ConflictMode } from './parameters.ts';
import { historyOf, type Plan } from './plan.ts';
import { measureScript, type ScriptSize } from './script-size.ts';
import { formatTable } from './selection.ts';

/** The JSON form of a plan. New fields may be added; `format` changes when any is changed or taken away. */
export interface PlanReport {
  readonly format: 1;
  readonly source: string;
  readonly selection: readonly string[];
  readonly range: { readonly start: string; readonly stop: string; readonly stopFrom: string; readonly startTime: string | null; readonly stopTime: string | null; readonly reach: string };
  /** What the undo takes its tables back to; null when nothing matches. */
  readonly validityPoint: { readonly position: string; readonly time: string } | null;
  readonly transactions: number;
  readonly operations: number;
  /** The newest of the operations: who, when and with which SQL. */
  readonly newest: readonly FoundOperation[];
  readonly tables: readonly {
    readonly table: string; readonly operations: number; readonly inserted: number; readonly updated: number; readonly deleted: number;
    readonly engine: string | null; readonly key: string | null; readonly triggers: readonly string[];
  }[];
  /** Later changes that stand in the way, newest first; `rows` and `transactions` count all of them, `restored` the rows of which a later change changed what the undo restores. `leftOut` row changes stay as they are. */
  readonly conflicts: {
    readonly mode: ConflictMode; readonly analysed: boolean; readonly rows: number; readonly restored: number; readonly transactions: number; readonly cascaded: number; readonly leftOut: number;
    readonly suggested: ConflictMode | null; readonly listed: readonly ConflictReport[];
  };
  /** What a script is refused for, with the reason that `allow` may name. */
  readonly findings: readonly { readonly code: string; readonly message: string; readonly allow: string | null; readonly allowed: boolean; readonly fix: string }[];
  readonly warnings: readonly string[];
  /** Of the script; null when nothing matches, or when it cannot be written. */
  readonly scriptSize: ScriptSize | null;
  /** Bytes that are enough for every statement of the script, on client and server; null when nothing matches. */
  readonly maxAllowedPacket: number | null;
  readonly nearMisses: readonly string[];
}

/** How many operations a plan shows; all of them are in the lists of `find`. */
const SHOWN = 5;

export async function describePlan(context: ScriptContext, plan: Plan): Promise<PlanReport> {
  const { range, oldest, selection, options } = plan;
  return {
    format: 1,
    source: range.source.alias,
    selection: describeSelection(selection),
    range: {
      start: formatPosition(range.start), stop: formatPosition(range.stop), stopFrom: range.stopFrom, reach: formatPosition(range.reach),
      startTime: range.startMicros === null ? null : formatMicros(range.startMicros), stopTime: range.stopMicros === null ? null : formatMicros(range.stopMicros),
    },
    validityPoint: oldest ? { position: formatPosition(oldest.start), time: formatMicros(oldest.commitMicros) } : null,
    transactions: plan.totals.transactions,
    operations: plan.totals.operations,
    newest: plan.totals.operations === 0 ? [] : await newestOperations(context, range.source, plan.where, SHOWN),
    tables: plan.tables.map((table) => {
      const present = historyOf(plan, table.schema, table.table)?.present ?? null;
      const keys = present?.keys.filter((key) => key.unique) ?? [];
      return {
        table: formatTable(table), operations: table.operations, inserted: table.inserted, updated: table.updated, deleted: table.deleted,
        engine: present?.engine ?? null, key: (keys.find((key) => key.primary) ?? keys[0])?.name ?? null, triggers: present?.triggers ?? [],
      };
    }),
    conflicts: { ...plan.conflicts, leftOut: plan.conflicts.leftOut?.count ?? 0 },
    findings: plan.findings.map(({ code, message, allow }) => ({ code, message, allow, allowed: allow !== null && options.allow.has(allow), fix: ERRORS[code].fix })),
    warnings: plan.warnings,
    scriptSize: plan.totals.operations === 0 ? null : await measureScript(context, plan),
    maxAllowedPacket: packetNeeded(plan),
    nearMisses: plan.nearMisses,
  };
}

/** The plan for people. */
export function planText(report: PlanReport): string {
  const { range } = report;
  const rows = report.tables.map((table) => [
    table.table, String(table.operations), String(table.inserted), String(table.updated), String(table.deleted), table.engine ?? '?', table.key ?? 'none', table.triggers.join(' ') || '-',
  ]);
  const refused = report.findings.filter((finding) => !finding.allowed).length;
  return `${[
    `source ${report.source}, ${report.selection.map((part) => commentText(part, 300)).join(' ') || 'everything'}`,
    `range  ${range.start} to ${range.stop}${range.stopFrom === 'asked' ? '' : ` (the end of the ${range.stopFrom === 'source' ? "source's binlog" : 'log'})`}`
      + `${range.startTime === null ? '' : `, from ${range.startTime}`}${range.stopTime === null ? '' : `, before ${range.stopTime}`}`,
    report.validityPoint ? `takes back to ${report.validityPoint.position}, just before ${report.validityPoint.time}` : 'nothing matches',
    countedChanges(report, 'in'),
    ...(report.scriptSize === null ? [] : [sizeLine(report.scriptSize)]),
    ...(report.maxAllowedPacket === null ? [] : [`max_allowed_packet of ${report.maxAllowedPacket} bytes is enough`]),
    ...(rows.length > 0 ? ['', ...alignColumns([['table', 'operations', 'inserted', 'updated', 'deleted', 'engine', 'key', 'triggers'], ...rows])] : []),
    ...report.newest.flatMap((operation) => ['', ...operationLines(operation)]),
    ...(report.operations > report.newest.length ? ['', `and ${counted(report.operations - report.newest.length, 'older operation')}`] : []),
    ...section('', conflictLines(report)),
    ...section('', report.findings.map((finding) => `${finding.allowed ? 'allowed' : 'REFUSED'} ${finding.code}: ${commentText(finding.message, 500)}.${finding.allow === null || finding.allowed ? '' : ` (--allow ${finding.allow})`}`)),
    ...section('', report.warnings.map((warning) => `warning: ${commentText(warning, 500)}`)),
    ...section('', report.nearMisses),
    '',
    report.operations === 0 ? 'There is nothing to undo.' : refused > 0 ? `A script would be refused for ${refused === 1 ? '1 reason' : `${refused} reasons`}.` : inTheWay(report) ? `A script is refused in mode ${report.conflicts.mode}. ${suggestion(report.conflicts)}` : 'A script can be made.',
  ].join('\n')}\n`;
}

function sizeLine({ bytes, exact, largestStatement }: ScriptSize): string {
  return `a script of ${exact ? '' : 'about '}${counted(bytes, 'byte')}${exact ? '' : ', estimated from its beginning'}${largestStatement === null ? '' : `, its largest statement of ${largestStatement}`}`;
}

const inTheWay = ({ conflicts }: PlanReport): boolean => conflicts.rows > 0 && (conflicts.mode === 'nocascade' || conflicts.mode === 'cascade');

/** Conflicts that the readable plan shows; JSON has more. */
const CONFLICTS_SHOWN = 20;

function conflictLines({ conflicts }: PlanReport): string[] {
  const { rows, transactions, listed, mode } = conflicts;
  if (rows === 0) return [];
  return [
    `${counted(rows, 'row change')} in conflict with ${counted(transactions, 'later transaction')} (mode ${mode}):`,
    ...listed.slice(0, CONFLICTS_SHOWN).map((conflict) => `conflict ${conflict.kind}: ${commentText(conflictLine(conflict), 500)}`),
    ...(listed.length > CONFLICTS_SHOWN ? ['and more; --json lists them'] : []),
  ];
}

const section = (title: string, lines: readonly string[]): string[] => (lines.length > 0 ? [title, ...lines] : []);

/** Pads cells so that columns stand under each other; numbers to the right. */
export function alignColumns(table: readonly (readonly string[])[]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) => row.map((cell, column) => (/^\d+$/.test(cell) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ').trimEnd());
}
