import { once } from 'node:events';
import { loadConfig } from '../../config/load.ts';
import { UndoError } from '../../core/errors.ts';
import { createLogger } from '../../core/log.ts';
import { openAdmin } from '../admin-side.ts';
import { OpenEngine } from '../engine.ts';
import { VERSION } from '../version.ts';
import type { Command } from './command.ts';

export const serve: Command = {
  info: {
    name: 'serve',
    summary: 'answer over HTTP for every source of a ledger, without reading a binlog',
    about: [
      'The HTTP API of run for all sources of the ledger, beside their daemons or without any. Needs the backup server only: how far the log',
      'reaches is then what the ledger says. With a source configured, that one is asked where its binlog ends, too.',
      'A ledger that is not there yet is waited for: /readyz tells when it is. Ends at SIGTERM or SIGINT.',
    ].join('\n'),
    parameters: {},
    switches: {},
    settings: 'daemon',
    examples: ['BINLOG_UNDO_BACKUP_HOST=db2 BINLOG_UNDO_BACKUP_USER=undo_log binlog-undo serve --admin-port 8780'],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] });
    const { host, port } = config.admin;
    if (port === 0) throw new UndoError('CONFIG_INVALID', 'admin.port is 0: there is nothing to serve.', { fix: 'Set BINLOG_UNDO_ADMIN_PORT to a free port.' });
    const log = createLogger(config.logLevel);
    log.info({ event: 'starting', version: VERSION, config: config.printable }, 'Starting');
    const admin = await openAdmin({ settings: config.admin, version: VERSION, log, open: (signal, requester) => OpenEngine.open(config, signal, requester) });
    log.info({ event: 'admin_listening', host, port: admin.port }, 'The HTTP API listens');
    try {
      if (!io.signal.aborted) await once(io.signal, 'abort');
      return 0;
    } finally {
      await admin.close();
    }
  },
};
