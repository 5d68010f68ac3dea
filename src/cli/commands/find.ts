import { loadConfig } from '../../config/load.ts';
import { CLI_DIALECT, FIND_PARAMETERS, SELECTION_PARAMETERS, findOperations, findText, shellWord } from '../../script/index.ts';
import { OpenEngine } from '../engine.ts';
import { echoTimes } from '../echo-times.ts';
import type { Command } from './command.ts';

export const find: Command = {
  info: {
    name: 'find',
    summary: 'list what was done, newest first',
    about: 'Lists the operations of the log with their time, session, table, rows and SQL, and for each the command that prints its rollback script.',
    parameters: { ...SELECTION_PARAMETERS, ...FIND_PARAMETERS },
    switches: { json: 'Print JSON.' },
    settings: 'common',
    examples: [
      'binlog-undo find --table shop.orders --min-rows 1000',
      "binlog-undo find --text 'update orders' --start-datetime '2026-11-20 14:00:00'",
      'binlog-undo find --thread-id 4711 --type DELETE --json',
    ],
  },
  async run(args, io) {
    await using engine = await OpenEngine.open(loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] }), io.signal);
    echoTimes(args.raw, io);
    const page = await findOperations(engine.context, args.raw, CLI_DIALECT);
    io.stdout.write(args.switches.has('json') ? `${JSON.stringify(page, null, 2)}\n` : findText(page, args.configFile === undefined ? '' : ` --config ${shellWord(args.configFile)}`));
    return 0;
  },
};
