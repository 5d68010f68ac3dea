import type { Config } from '../../config/config.ts';
import { UndoError } from '../../core/errors.ts';
import { openConnection } from '../../core/mysql.ts';
import { comparePositions, formatPosition, type Position } from '../../core/position.ts';
import { probeServer } from '../../core/server.ts';
import { endCopies } from '../../store/copy-sql.ts';
import { auditCheckpoint } from '../../store/checkpoint-audit.ts';
import { Ledger, requireLedger } from '../../store/ledger.ts';
import { Leadership } from '../../store/leadership.ts';
import { insertGaps } from '../../store/log-sql.ts';
import { passOver, readCheckpoint, removeOrphans, requireSource, underEpoch, type SourceRecord } from '../../store/registry.ts';
import { backupError } from './backup-faults.ts';
import { BackupSession } from './backup-session.ts';
import { decideResume } from './resume.ts';
import { lifeInLog, refuseUnfit } from './session-setup.ts';
import { asked, type SourceAccess } from './source-access.ts';
import { resolveStart } from './start-point.ts';

export interface SkipReport {
  readonly format: 1;
  readonly source: string;
  readonly from: string;
  readonly to: string;
  readonly dryRun: boolean;
}

export interface SkipRequest {
  /** Null: the end of the source's binlog now. */
  readonly to: Position | null;
  /** Who asks, and why: stands in the gap. */
  readonly detail: string;
  readonly dryRun: boolean;
}

/**
 * Moves the log on to a later place of the same binlog, past what it will then never hold: one durable gap over all tables, in
 * the backup transaction that moves the checkpoint.
 * @throws UndoError LEADER_HELD while a daemon captures the source, POSITION_INVALID for a place that lies behind or inside a
 *   transaction, INCARNATION_CHANGED when this is not the binlog that the checkpoint belongs to.
 */
export async function skipHistory(config: Config<'source' | 'backup'>, request: SkipRequest, signal: AbortSignal): Promise<SkipReport> {
  const { endpoint } = config.source;
  const control = await openConnection(endpoint);
  try {
    const capabilities = await asked(endpoint, probeServer(control));
    refuseUnfit(capabilities);
    await using backup = await BackupSession.open(config.backup.endpoint);
    const ledger = new Ledger(config.ledger);
    await requireLedger(backup.side, ledger);
    const source = await requireSource(backup.side, ledger, config.source.alias);
    const leadership = new Leadership(backup.lease, ledger, source.id);
    try {
      if (!await leadership.acquire(0)) throw new UndoError('LEADER_HELD', `A daemon captures "${source.alias}", or stands by for it.`);
      await auditCheckpoint(backup.side, ledger, source);
      return await moveOn({ endpoint, control, capabilities, signal }, backup, ledger, source, leadership, request);
    } finally {
      leadership.close();
    }
  } catch (error) {
    throw backupError(config.backup.endpoint, error);
  } finally {
    control.destroy();
  }
}

async function moveOn(
  access: SourceAccess, backup: BackupSession, ledger: Ledger, source: SourceRecord, leadership: Leadership, request: SkipRequest,
): Promise<SkipReport> {
  const { side } = backup;
  const old = await readCheckpoint(side, ledger, source.id);
  if (!old) throw new UndoError('NOT_COVERED', `The log of "${source.alias}" has not begun: there is nothing to skip.`, { fix: 'Start binlog-undo run with BINLOG_UNDO_START_POSITION.' });
  const resume = await asked(access.endpoint, decideResume(access, old, await lifeInLog(backup, ledger, source, old)));
  if (resume.kind === 'lost' && resume.newLife) throw resume.error;
  if (resume.kind === 'failover') {
    throw new UndoError('INCARNATION_CHANGED', `The checkpoint ${formatPosition(old.position)} belongs to another server.`, { fix: 'Start binlog-undo run once: it goes on by GTID on this one.' });
  }
  const start = await asked(access.endpoint, resolveStart(access, request.to === null ? { kind: 'latest' } : { kind: 'position', position: request.to }));
  const report: SkipReport = { format: 1, source: source.alias, from: formatPosition(old.position), to: formatPosition(start.position), dryRun: request.dryRun };
  if (comparePositions(start.position, old.position) <= 0) {
    throw new UndoError('POSITION_INVALID', `${report.to} does not lie behind the checkpoint ${report.from}: there is nothing to skip.`, { fix: 'Give a later position, or "latest".' });
  }
  if (request.dryRun) return report;
  const epoch = await leadership.lead(backup.ids, () => undefined);
  await underEpoch(side, ledger, source.id, epoch, async () => {
    await passOver(side, ledger, source.id, old, start);
    await endCopies(side, ledger, source.id);
    await insertGaps(side, { ledger, sourceId: source.id, incarnationId: old.incarnation.id, epoch }, [{
      reason: 'operator-skip', schema: null, table: null, from: old.position, to: start.position, ordinal: old.nextOrdinal,
      fromMicros: old.commitMicros, toMicros: Date.now() * 1000, detail: request.detail,
    }]);
    await removeOrphans(side, ledger, source.id, old.nextOrdinal);
  });
  return report;
}
