import { UndoError } from '../core/errors.ts';
import { row, rows } from '../core/mysql.ts';
import { comparePositions, formatPosition, type Position } from '../core/position.ts';
import { openSessions } from '../core/process-list.ts';
import { parseLeader } from '../store/leadership.ts';
import { requireLedger } from '../store/ledger.ts';
import { listSources, readCheckpoint, requireSource, type SourceRecord, type StoredCheckpoint } from '../store/registry.ts';
import { filledTables, type FilledTable } from './copied.ts';
import type { LiveSource, ScriptContext } from './context.ts';
import { formatDatetime, formatMicros } from './datetime.ts';
import { sourceNow } from './source-now.ts';

export interface SourceStatus {
  readonly source: string;
  readonly flavour: 'mysql' | 'mariadb';
  /** Everything before it is durable; null before the first start has got anywhere. */
  readonly checkpoint: { readonly position: string; readonly gtidSet: string | null; readonly lastCommit: string | null; readonly updated: string } | null;
  /** How far the log is complete. */
  readonly reach: string | null;
  /** The end of the source's binlog; null when the source was not asked or did not answer. */
  readonly sourcePosition: string | null;
  /** Seconds since the checkpoint was written, 0 when the log reaches to the source's end; null when that is not known. */
  readonly lagSeconds: number | null;
  readonly transactions: number;
  /** Connection id of the leading daemon on the backup server, as it was recorded; null when none ever led. */
  readonly leader: string | null;
  /** Whether that connection is still there; null when this account may not see it. */
  readonly running: boolean | null;
  readonly epoch: number | null;
  readonly openGaps: number;
  /** How many transactions the goInception tables are behind the log; null when they were never written. */
  readonly projectionBehind: number | null;
  /** How many transactions Kafka has not acknowledged; null when nothing was ever sent. */
  readonly kafkaBehind: number | null;
  /** Copies that online schema changes are filling; their rows are counted, and not stored. */
  readonly copies: readonly (Pick<FilledTable, 'table' | 'of' | 'operations' | 'rows'> & { readonly since: string })[];
  /** The filters in force. */
  readonly era: { readonly since: string; readonly filters: unknown } | null;
}

export interface StatusReport {
  readonly format: 1;
  readonly ledger: string;
  readonly sources: readonly SourceStatus[];
}

type Fields = Record<string, string | number | null>;

/** @param alias null: every source of the ledger. */
export async function readStatus(context: ScriptContext, alias: string | null): Promise<StatusReport> {
  const { connection, ledger } = context;
  await requireLedger(connection, ledger);
  const sources = alias === null ? await listSources(connection, ledger) : [await requireSource(connection, ledger, alias)];
  const statuses: SourceStatus[] = [];
  for (const source of sources) statuses.push(await sourceStatus(context, source));
  return { format: 1, ledger: ledger.name, sources: statuses };
}

async function sourceStatus(context: ScriptContext, source: SourceRecord): Promise<SourceStatus> {
  const { connection, ledger } = context;
  const checkpoint = await readCheckpoint(connection, ledger, source.id);
  const record = await row<Fields>(connection, `SELECT leader, updated, TIMESTAMPDIFF(MICROSECOND, updated, UTC_TIMESTAMP(6)) AS age FROM ${ledger.table('checkpoints')} WHERE source_id = ?`, [source.id]);
  const gaps = await row<Fields>(connection, `SELECT COUNT(*) AS count FROM ${ledger.table('gaps')} WHERE source_id = ? AND acknowledged IS NULL`, [source.id]);
  const cursors = await rows<{ consumer: string; ordinal: string }>(connection, `SELECT consumer, ordinal FROM ${ledger.table('cursors')} WHERE source_id = ?`, [source.id]);
  const behind = (consumer: string): number | null => {
    const cursor = cursors.find((candidate) => candidate.consumer === consumer);
    return cursor && checkpoint ? Math.max(0, checkpoint.nextOrdinal - Number(cursor.ordinal)) : null;
  };
  const era = await row<Fields>(connection, `SELECT e.file, e.file_offset, e.filter FROM ${ledger.table('eras')} e WHERE e.source_id = ? ORDER BY e.id DESC LIMIT 1`, [source.id]);
  const live = context.live?.alias === source.alias ? context.live : null;
  const now = live ? await sourceNow(live.endpoint) : null;
  const at = checkpoint && checkpoint.position.file !== '' ? checkpoint.position : null;
  const proven = at && checkpoint && live && now ? await provenReach(live, source, checkpoint, now.position) : null;
  const reach = proven ?? at;
  const complete = proven && now ? comparePositions(proven, now.position) >= 0 : null;
  const leader = parseLeader(record?.leader === undefined || record.leader === null ? null : String(record.leader));
  return {
    source: source.alias,
    flavour: source.flavour,
    checkpoint: at && checkpoint ? {
      position: formatPosition(at), gtidSet: checkpoint.gtidSet, lastCommit: checkpoint.commitMicros === 0 ? null : formatMicros(checkpoint.commitMicros),
      updated: formatDatetime(String(record?.updated ?? '')),
    } : null,
    reach: position(reach),
    sourcePosition: position(now?.position ?? null),
    lagSeconds: complete === null ? null : complete ? 0 : Math.max(0, Number(record?.age ?? 0) / 1_000_000),
    transactions: checkpoint ? checkpoint.nextOrdinal - 1 : 0,
    leader: leader === null ? null : String(leader.lease),
    running: leader === null ? false : await isConnected(context, leader.lease),
    epoch: checkpoint?.epoch ?? null,
    openGaps: Number(gaps?.count ?? 0),
    projectionBehind: behind('projection'),
    kafkaBehind: behind('kafka'),
    copies: (await filledTables(connection, ledger, source.id)).map(({ begunSeconds, ...copy }) => ({ ...copy, since: formatMicros(begunSeconds * 1_000_000) })),
    era: era ? { since: formatPosition({ file: String(era.file), offset: Number(era.file_offset) }), filters: JSON.parse(String(era.filter)) as unknown } : null,
  };
}

/** @returns null when the source does not let itself be read (gone meanwhile, its binlog purged): how things stand is told all the same. */
async function provenReach(live: LiveSource, source: SourceRecord, checkpoint: StoredCheckpoint, target: Position): Promise<Position | null> {
  try {
    return await live.prove(source, checkpoint, target);
  } catch (error) {
    if (error instanceof UndoError) return null;
    throw error;
  }
}

const position = (at: Position | null): string | null => (at === null ? null : formatPosition(at));

/** Daemons of ours log in with the account at hand, whose sessions every account may see. */
async function isConnected(context: ScriptContext, leader: number): Promise<boolean | null> {
  return (await openSessions(context.connection, [leader])).length > 0;
}

export function statusText(report: StatusReport): string {
  if (report.sources.length === 0) return `The ledger "${report.ledger}" holds no source yet.\n`;
  return report.sources.map((status) => {
    const lag = status.lagSeconds === null ? 'unknown (the source was not asked, or cannot be read)' : status.lagSeconds === 0 ? 'none' : `${status.lagSeconds.toFixed(1)} s`;
    return [
      `source      ${status.source} (${status.flavour === 'mysql' ? 'MySQL' : 'MariaDB'})`,
      `daemon      ${status.running === null ? 'unknown' : status.running ? `running (connection ${status.leader ?? ''}, epoch ${status.epoch ?? ''})` : 'not running'}`,
      `checkpoint  ${status.checkpoint?.position ?? 'none'}${status.checkpoint ? `, written ${status.checkpoint.updated}` : ''}`,
      `last commit ${status.checkpoint?.lastCommit ?? 'none'}, ${status.transactions} transactions in the log`,
      `reach       ${status.reach ?? 'nothing'}${status.sourcePosition === null ? '' : `, the source is at ${status.sourcePosition}`}`,
      `lag         ${lag}`,
      `gaps        ${status.openGaps === 0 ? 'none open' : `${status.openGaps} open (binlog-undo gaps)`}`,
      `projection  ${status.projectionBehind === null ? 'never ran' : `${status.projectionBehind} transactions behind`}`,
      ...status.copies.map(({ table, of, since, rows, operations }) => `copy        ${table} for an online schema change of ${of} since ${since}: ${rows} rows in ${operations} operations counted, not stored`),
      ...(status.kafkaBehind === null ? [] : [`kafka       ${status.kafkaBehind} transactions behind`]),
    ].join('\n');
  }).join('\n\n').concat('\n');
}
