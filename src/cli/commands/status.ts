import { loadConfig } from '../../config/load.ts';
import { SELECTION_PARAMETERS, readStatus, statusText } from '../../script/index.ts';
import { OpenEngine } from '../engine.ts';
import type { Command } from './command.ts';

export const status: Command = {
  info: {
    name: 'status',
    summary: 'how far the log reaches, whether a daemon runs, what is missing',
    about: 'Reads the ledger, and the source too where it is configured. Needs no running daemon.',
    parameters: { source: { ...SELECTION_PARAMETERS.source, doc: 'Only this source; default: every source of the ledger.' } },
    switches: { json: 'Print JSON.' },
    settings: 'common',
    examples: ['binlog-undo status', 'binlog-undo status --json --source shop'],
  },
  async run(args, io) {
    await using engine = await OpenEngine.open(loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] }), io.signal);
    const [alias] = [args.raw.source ?? []].flat();
    const report = await readStatus(engine.context, alias ?? null);
    io.stdout.write(args.switches.has('json') ? `${JSON.stringify(report, null, 2)}\n` : statusText(report));
    return 0;
  },
};
