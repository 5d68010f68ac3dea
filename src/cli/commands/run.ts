import { loadConfig } from '../../config/load.ts';
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
    // What only the daemon needs is read when it is one: every other command starts without the library of its metrics.
    const { runProcess } = await import('../run/process.ts');
    return runProcess(config, io.signal);
  },
};
