import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { backupError } from './backup-faults.ts';
import type { DaemonMetrics } from '../../metrics/daemon-metrics.ts';
import { runCaptureSession, type SessionView } from './capture-session.ts';
import { boundHeapGrowth } from './heap.ts';

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MOST_MS = 30_000;
/** A session that lasted so long worked; one that fails at once, again and again, does not start the backoff anew. */
const WORKED_MS = 10_000;
/** Lost connections, restarts and takeovers pass; everything else needs somebody. */
const PASSING: readonly ErrorCode[] = [
  'SOURCE_UNREACHABLE', 'BACKUP_UNREACHABLE', 'BACKUP_REFUSED', 'STREAM_ENDED', 'STREAM_SILENT', 'STREAM_REFUSED', 'LEADER_LOST',
];
/** The same before the first session runs: the account has read from the source by then, so that no setting is at fault. */
const PASSING_AT_START: readonly ErrorCode[] = ['STREAM_ENDED', 'STREAM_SILENT'];

/**
 * The daemon: one capture session after the other, each from the durable checkpoint, until the signal.
 * @returns the exit status. @throws UndoError when going on makes no sense; also when the first start already fails by what a setting may be the cause of.
 */
export async function runDaemon(
  config: Config<'source' | 'backup'>, log: Logger, metrics: DaemonMetrics, signal: AbortSignal, onRunning: (view: SessionView | null) => void = () => undefined,
): Promise<number> {
  boundHeapGrowth();
  let backoff = BACKOFF_FIRST_MS;
  // Set from the callback below, where control flow analysis does not look.
  const ran: { ever: boolean; since: number | null } = { ever: false, since: null };
  const standingBy = (): void => {
    ran.ever = true;
  };
  while (!signal.aborted) {
    try {
      await runCaptureSession({ config, log, signal, metrics, standingBy }, (view) => {
        metrics.view = view;
        if (view) {
          ran.ever = true;
          ran.since = performance.now();
        }
        onRunning(view);
      });
    } catch (thrown) {
      const error = backupError(config.backup.endpoint, thrown);
      if (!(ran.ever ? PASSING : PASSING_AT_START).includes(error.code)) throw error;
      metrics.reconnects(error.code);
      if (ran.since !== null && performance.now() - ran.since > WORKED_MS) backoff = BACKOFF_FIRST_MS;
      ran.since = null;
      // Jitter: many daemons lose one server at the same moment.
      const wait = backoff * (0.5 + Math.random());
      backoff = Math.min(backoff * 2, BACKOFF_MOST_MS);
      log.warn({ event: 'session_ended', error, retryMs: Math.round(wait) }, 'Going on from the checkpoint after a pause');
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }
  return 0;
}
