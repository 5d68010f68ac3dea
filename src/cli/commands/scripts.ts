import { loadConfig } from '../../config/load.ts';
import { UndoError } from '../../core/errors.ts';
import { CLI_DIALECT, HISTORY_PARAMETERS, cancelScript, historyText, readHistoryQuery, readScript, readScriptHistory } from '../../script/index.ts';
import { OpenEngine } from '../engine.ts';
import type { Command } from './command.ts';

export const scripts: Command = {
  info: {
    name: 'scripts',
    summary: 'list the plans and scripts that were asked for, by whom and with what outcome',
    about: 'Every plan and script has an id, which also stands in its head. The list shows who asked for what and when, how far the writing of a script is, and how it ended; whether a script was applied is seen in the log (find).',
    parameters: HISTORY_PARAMETERS,
    options: {
      id: { doc: 'Only this one.', kind: 'text', placeholder: 'ID' },
      cancel: { doc: 'Stop the writing of this script, by whichever process.', kind: 'text', placeholder: 'ID' },
    },
    switches: { json: 'Print JSON.' },
    settings: 'common',
    examples: ['binlog-undo scripts', 'binlog-undo scripts --id b7e1736b821da8d7 --json', 'binlog-undo scripts --cancel b7e1736b821da8d7'],
  },
  async run(args, io) {
    await using engine = await OpenEngine.open(loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] }), io.signal);
    const { context } = engine;
    const [id] = args.options.id ?? [];
    const [cancel] = args.options.cancel ?? [];
    if (id !== undefined && cancel !== undefined) throw new UndoError('USAGE', '--id and --cancel exclude each other.', { fix: 'Give one of them.' });
    const history = cancel !== undefined ? { scripts: [await cancelScript(context, cancel)], next: null }
      : id !== undefined ? { scripts: [await readScript(context, id)], next: null }
      : await readScriptHistory(context, readHistoryQuery(args.raw, CLI_DIALECT));
    io.stdout.write(args.switches.has('json') ? `${JSON.stringify(history, null, 2)}\n` : historyText(history));
    return 0;
  },
};
