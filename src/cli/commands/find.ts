import { loadConfig } from '../../config/load.ts';
import { CLI_DIALECT, FIND_PARAMETERS, SELECTION_PARAMETERS, findOperations, findText, findTransactions, shellWord, transactionsText } from '../../script/index.ts';
import { UndoError } from '../../core/errors.ts';
import { OpenEngine } from '../engine.ts';
import { echoTimes } from '../echo-times.ts';
import type { Command } from './command.ts';

export const find: Command = {
  info: {
    name: 'find',
    summary: 'list what was done, newest first',
    about: 'Lists the operations of the log with their time, session, table, rows and SQL, and for each the command that prints its rollback script.',
    parameters: { ...SELECTION_PARAMETERS, ...FIND_PARAMETERS },
    options: { by: { doc: 'What is listed: operations (the default), or the transactions that have one that matches, each with the command that undoes all of it.', kind: 'text', values: ['operation', 'transaction'], placeholder: 'UNIT' } },
    switches: { json: 'Print JSON.' },
    settings: 'common',
    examples: [
      'binlog-undo find --table shop.orders --min-rows 1000',
      "binlog-undo find --text 'update orders' --start-datetime '2026-11-20 14:00:00'",
      'binlog-undo find --thread-id 4711 --type DELETE --json',
      'binlog-undo find --by transaction --table shop.orders --limit 5',
    ],
  },
  async run(args, io) {
    const [by = 'operation', ...more] = args.options.by ?? [];
    if (more.length > 0 || (by !== 'operation' && by !== 'transaction')) throw new UndoError('USAGE', `--by is ${JSON.stringify([by, ...more].join(' ').slice(0, 100))}.`, { fix: 'Give operation or transaction, once.' });
    await using engine = await OpenEngine.open(loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] }), io.signal);
    echoTimes(args.raw, io);
    const config = args.configFile === undefined ? '' : ` --config ${shellWord(args.configFile)}`;
    const show = <Page>(page: Page, text: (page: Page, options: string) => string): void => void io.stdout.write(args.switches.has('json') ? `${JSON.stringify(page, null, 2)}\n` : text(page, config));
    if (by === 'transaction') show(await findTransactions(engine.context, args.raw, CLI_DIALECT), transactionsText);
    else show(await findOperations(engine.context, args.raw, CLI_DIALECT), findText);
    return 0;
  },
};
