import { loadConfig } from '../../config/load.ts';
import { openConnection } from '../../core/mysql.ts';
import { Ledger, readLedgerMark } from '../../store/ledger.ts';
import { migrateLedger } from '../../store/migrate.ts';
import type { Command } from './command.ts';

export const migrate: Command = {
  info: {
    name: 'migrate',
    summary: "bring the ledger's tables to this release's version",
    about: [
      'The only command that changes the tables of a ledger; run makes them only where there is no ledger at all.',
      'Each step leaves the ledger usable for the release before, so run this first, then upgrade the daemons one by one.',
    ].join('\n'),
    parameters: {},
    switches: { 'dry-run': 'Say what would be done.', 'if-exists': 'Where there is no ledger yet, do nothing and end with status 0.', json: 'Print JSON.' },
    settings: 'common',
    examples: ['binlog-undo migrate --dry-run', 'binlog-undo migrate'],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] });
    const connection = await openConnection(config.backup.endpoint);
    try {
      const dryRun = args.switches.has('dry-run');
      const ledger = new Ledger(config.ledger);
      if (args.switches.has('if-exists') && await readLedgerMark(connection, ledger) === null) {
        io.stdout.write(args.switches.has('json') ? 'null\n' : `There is no ledger "${config.ledger}" yet: nothing to do.\n`);
        return 0;
      }
      const report = await migrateLedger(connection, ledger, dryRun);
      const steps = report.steps.map(({ version, summary }) => `${dryRun ? 'would do' : 'done'} ${version}: ${summary}`);
      const end = report.steps.length === 0 ? `The ledger "${config.ledger}" has version ${report.to}: nothing to do.`
        : `The ledger "${config.ledger}" ${dryRun ? `has version ${report.from}, not ${report.to}` : `has version ${report.to} now`}.`;
      io.stdout.write(args.switches.has('json') ? `${JSON.stringify({ format: 1, ledger: config.ledger, dryRun, ...report }, null, 2)}\n` : `${[...steps, end].join('\n')}\n`);
      return 0;
    } finally {
      connection.destroy();
    }
  },
};
