import { CaptureFilter } from '../../capture/filter.ts';
import type { Config } from '../../config/config.ts';
import { UndoError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { scalar } from '../../core/mysql.ts';
import { formatPosition } from '../../core/position.ts';
import type { ServerCapabilities } from '../../core/server.ts';
import type { DaemonMetrics } from '../../metrics/daemon-metrics.ts';
import type { AdoptedObjects } from '../../schema/objects/object-change.ts';
import type { Copy } from '../../capture/copies.ts';
import type { AdoptedDefinitions } from '../../schema/tracker-options.ts';
import { firstOrdinalOf, lastTransactionOf } from '../../store/log-reader.ts';
import { insertGaps } from '../../store/log-sql.ts';
import { copiesInForce, endCopies } from '../../store/copy-sql.ts';
import { auditCheckpoint } from '../../store/checkpoint-audit.ts';
import { carryDefinitions, definitionsInForce } from '../../store/definition-history.ts';
import { objectsInForce } from '../../store/object-sql.ts';
import { undoSchemas, type Ledger } from '../../store/ledger.ts';
import {
  beginIncarnation, claimedDatabases, createCheckpoint, moveCheckpoint, passOver, readCheckpoint, recordEra, removeOrphans, underEpoch,
  type SourceRecord, type StoredCheckpoint,
} from '../../store/registry.ts';
import type { BackupSession } from './backup-session.ts';
import type { LifeInLog } from './common-history.ts';
import { decideResume, type Resume } from './resume.ts';
import { asked, type SourceAccess } from './source-access.ts';
import { resolveStart } from './start-point.ts';

export interface SessionContext {
  readonly config: Config<'source' | 'backup'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Told when another daemon leads, and this one waits for its turn. */
  readonly standingBy: () => void;
  readonly metrics: DaemonMetrics;
}

/** What a start can tell to be hopeless; `check` tells the rest, with the SQL that mends it. */
export function refuseUnfit(capabilities: ServerCapabilities): void {
  const refuse = (what: string, fix: string): never => {
    throw new UndoError('SOURCE_NOT_READY', what, { fix });
  };
  if (capabilities.support.level === 'refused') refuse(`The source runs ${capabilities.version.raw}: ${capabilities.support.reason}.`, 'Use one of the versions in the README.');
  if (!capabilities.logBin) refuse('The source writes no binlog (log_bin is OFF).', 'Add log_bin and a server_id to its my.cnf and restart it.');
  if (capabilities.binlogFormat !== 'ROW') refuse(`The source has binlog_format=${capabilities.binlogFormat}.`, "SET GLOBAL binlog_format='ROW'; then let the applications reconnect.");
  if (capabilities.rowImage !== 'FULL') refuse(`The source has binlog_row_image=${capabilities.rowImage}.`, "SET GLOBAL binlog_row_image='FULL'; then let the applications reconnect.");
}

export interface Prepared {
  readonly epoch: number;
  readonly checkpoint: StoredCheckpoint;
  readonly definitions: AdoptedDefinitions;
  readonly objects: AdoptedObjects;
  readonly copies: readonly Copy[];
  readonly filter: CaptureFilter;
  readonly sameServer: boolean;
}

/**
 * Brings ledger and source together: where to start, and what must never be captured.
 * @param lead takes the source over from whoever led it: nothing of the log is read or written before.
 */
export async function prepare(
  { config, log }: SessionContext, access: SourceAccess, backup: BackupSession, ledger: Ledger, source: SourceRecord, lead: () => Promise<number>,
): Promise<Prepared> {
  const { control, capabilities } = access;
  const ask = <T>(question: Promise<T>): Promise<T> => asked(config.source.endpoint, question);
  const current = async (): Promise<StoredCheckpoint> => (await readCheckpoint(backup.side, ledger, source.id))!;
  const server = { uuid: capabilities.serverUuid, id: capabilities.serverId, version: capabilities.version.raw };
  await auditCheckpoint(backup.side, ledger, source);
  if (!await readCheckpoint(backup.side, ledger, source.id)) {
    const start = await ask(resolveStart(access, config.startPosition));
    await createCheckpoint(backup.side, ledger, source.id, server, start);
    log.info({ event: 'log_started', source: source.alias, position: formatPosition(start.position), gtidSet: start.gtidSet }, 'The log begins here');
  }
  const epoch = await lead();
  const old = await current();
  const resume = await ask(decideResume(access, old, await lifeInLog(backup, ledger, source, old)));
  if (resume.kind === 'lost' && config.onGap !== 'record') throw resume.error;
  const goOn = resume.kind === 'lost' ? await ask(resume.goOn()) : null;
  const adopted = await underEpoch(backup.side, ledger, source.id, epoch, async () => {
    if (resume.kind === 'failover') {
      await beginIncarnation(backup.side, ledger, source.id, server, old, resume.start);
      await carryDefinitions(backup.side, ledger, source, old, await current());
    }
    if (resume.kind === 'moved') await moveCheckpoint(backup.side, ledger, source.id, { position: resume.position, gtidSet: old.gtidSet });
    if (resume.kind === 'lost') {
      await endCopies(backup.side, ledger, source.id);
      if (resume.newLife) await beginIncarnation(backup.side, ledger, source.id, server, old, goOn!);
      else await passOver(backup.side, ledger, source.id, old, goOn!);
      const { incarnation } = await current();
      await insertGaps(backup.side, { ledger, sourceId: source.id, incarnationId: incarnation.id, epoch }, [{
        reason: resume.reason, schema: null, table: null, from: resume.newLife ? null : old.position, to: goOn!.position, ordinal: old.nextOrdinal,
        fromMicros: old.commitMicros, toMicros: Date.now() * 1000, detail: resume.error.message,
      }]);
    }
    const now = await current();
    const removed = await removeOrphans(backup.side, ledger, source.id, now.nextOrdinal);
    if (removed > 0) log.info({ event: 'orphans_removed', rows: removed }, 'Removed parts of a transaction that was open when the daemon ended');
    await recordEra(backup.side, ledger, source.id, config.filters, now);
    return { definitions: await definitionsInForce(backup.side, ledger, source, now, resume.kind === 'failover'), objects: await objectsInForce(backup.side, ledger, source, now), copies: await copiesInForce(backup.side, ledger, source.id) };
  });
  const checkpoint = await current();
  tell(log, source, resume, old, checkpoint);
  const identify = "SELECT CONCAT_WS('|', @@hostname, @@port, @@datadir, @@socket)";
  const sameServer = await scalar(control, identify) === await scalar(backup.side, identify);
  const own = [...await undoSchemas(control), ...await claimedDatabases(backup.side, ledger), ...(sameServer ? [ledger.name] : [])];
  return { epoch, checkpoint, ...adopted, filter: new CaptureFilter(config.filters, own), sameServer };
}

export async function lifeInLog({ side }: BackupSession, ledger: Ledger, source: SourceRecord, { incarnation, nextOrdinal }: StoredCheckpoint): Promise<LifeInLog> {
  return {
    firstOrdinal: await firstOrdinalOf(side, ledger, incarnation.id), nextOrdinal,
    atOrBefore: (ordinal) => lastTransactionOf(side, ledger, source.id, incarnation.id, ordinal),
  };
}

function tell(log: Logger, source: SourceRecord, resume: Resume, old: StoredCheckpoint, now: StoredCheckpoint): void {
  const fields = { source: source.alias, from: formatPosition(old.position), to: formatPosition(now.position) };
  if (resume.kind === 'lost') log.warn({ event: 'gap', reason: resume.reason, ...fields }, resume.error.message);
  if (resume.kind === 'failover') log.info({ event: 'failover', ...fields, gtidSet: old.gtidSet }, 'Going on by GTID on another server');
  if (resume.kind === 'moved') log.info({ event: 'moved', ...fields }, 'The files up to here are gone from the source; the log had all of them');
}
