import { loadConfig } from '../../config/load.ts';
import { renderCheck } from '../check/render.ts';
import { checkExitCode } from '../check/report.ts';
import { runCheck } from '../check/run-check.ts';
import type { Command } from './command.ts';

export const check: Command = {
  info: {
    name: 'check',
    summary: 'look at source and backup server before the first start',
    about: 'Prints each fault with its present value and the SQL that mends it. Changes nothing. Exit code 1 when there is a fault.',
    parameters: {},
    switches: { json: 'Print the report as JSON.' },
    settings: 'daemon',
    examples: ['binlog-undo check --source-host db1 --source-user undo --backup-host db2 --backup-user undo', 'binlog-undo check --config undo.json --json'],
  },
  async run(args, io) {
    const report = await runCheck(loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['source'] }));
    io.stdout.write(args.switches.has('json') ? `${JSON.stringify(report, null, 2)}\n` : renderCheck(report));
    return checkExitCode(report);
  },
};
