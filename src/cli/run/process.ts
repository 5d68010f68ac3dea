import type { Config } from '../../config/config.ts';
import { createLogger } from '../../core/log.ts';
import type { Position } from '../../core/position.ts';
import { openAdmin } from '../admin-side.ts';
import { OpenEngine } from '../engine.ts';
import { VERSION } from '../version.ts';
import { MetricsSide } from './metrics-side.ts';
import { RetentionLoop } from './retention-loop.ts';
import { runDaemon } from './run-daemon.ts';

/** The daemon with its HTTP API, its metrics and its retention, until the signal. @returns the exit status. @throws UndoError */
export async function runProcess(config: Config<'source' | 'backup'>, signal: AbortSignal): Promise<number> {
  const log = createLogger(config.logLevel);
  log.info({ event: 'starting', version: VERSION, config: config.printable }, 'Starting');
  await using measured = await MetricsSide.open(config, VERSION, log);
  // What the running session knows; set from its callback.
  const now: { reach: (() => Position) | null; retention: RetentionLoop | null; stopped: Promise<void> } = { reach: null, retention: null, stopped: Promise.resolve() };
  const admin = config.admin.port === 0 ? null : await openAdmin({
    settings: config.admin, version: VERSION, log,
    open: (request, requester) => OpenEngine.open(config, request, requester, () => now.reach?.() ?? null),
  });
  if (admin) log.info({ event: 'admin_listening', host: config.admin.host, port: admin.port }, 'The HTTP API listens');
  try {
    return await runDaemon(config, log, measured.metrics, signal, (view) => {
      now.reach = view && (() => view.reach);
      // Only who leads removes history.
      if (now.retention) now.stopped = now.retention.stop();
      now.retention = view && new RetentionLoop(config, config.source.alias, log, () => view.queueBytes);
    });
  } finally {
    await now.stopped;
    await admin?.close();
  }
}
