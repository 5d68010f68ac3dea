import { startAdmin } from '../../admin/index.ts';
import { loadConfig } from '../../config/load.ts';
import { createLogger } from '../../core/log.ts';
import type { Position } from '../../core/position.ts';
import { OpenEngine } from '../engine.ts';
import { MetricsSide } from '../run/metrics-side.ts';
import { RetentionLoop } from '../run/retention-loop.ts';
import { runDaemon } from '../run/run-daemon.ts';
import { VERSION } from '../version.ts';
import type { Command } from './command.ts';

export const run: Command = {
  info: {
    name: 'run',
    summary: 'the daemon: read the binlog, keep the undo log, answer over HTTP',
    about: 'Tails one source and writes its undo log to the backup server until SIGTERM or SIGINT. Log lines are JSON on standard error.',
    parameters: {},
    switches: { 'print-config': 'Print the configuration in force, without secrets, and end.' },
    settings: 'daemon',
    examples: ['binlog-undo run --config undo.json', 'BINLOG_UNDO_SOURCE_HOST=db1 BINLOG_UNDO_SOURCE_USER=undo BINLOG_UNDO_BACKUP_HOST=db2 BINLOG_UNDO_BACKUP_USER=undo binlog-undo run'],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['source', 'backup'] });
    if (args.switches.has('print-config')) {
      io.stdout.write(`${JSON.stringify(config.printable, null, 2)}\n`);
      return 0;
    }
    const log = createLogger(config.logLevel);
    log.info({ event: 'starting', version: VERSION, config: config.printable }, 'Starting');
    await using measured = await MetricsSide.open(config, VERSION, log);
    // What the running session knows; set from its callback.
    const now: { reach: (() => Position) | null; retention: RetentionLoop | null } = { reach: null, retention: null };
    const admin = config.admin.port === 0 ? null : await startAdmin({
      settings: config.admin, version: VERSION, log,
      open: (signal, requester) => OpenEngine.open(config, signal, requester, () => now.reach?.() ?? null),
    });
    if (admin) log.info({ event: 'admin_listening', host: config.admin.host, port: admin.port }, 'The HTTP API listens');
    try {
      return await runDaemon(config, log, measured.metrics, io.signal, (view) => {
        now.reach = view && (() => view.reach);
        // Only who leads removes history.
        void now.retention?.stop();
        now.retention = view && new RetentionLoop(config, config.source.alias, log, () => view.queueBytes);
      });
    } finally {
      await now.retention?.stop();
      await admin?.close();
    }
  },
};
