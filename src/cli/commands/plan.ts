import { loadConfig } from '../../config/load.ts';
import { CLI_DIALECT, SCRIPT_PARAMETERS, SELECTION_PARAMETERS, describePlan, openPlan, planText } from '../../script/index.ts';
import { OpenEngine } from '../engine.ts';
import { echoTimes } from '../echo-times.ts';
import type { Command } from './command.ts';

export const plan: Command = {
  info: {
    name: 'plan',
    summary: 'say what a script would undo, and what stands against it',
    about: 'Takes the same options as script and prints counts per table, gaps, warnings and refusals instead of SQL.',
    parameters: { ...SELECTION_PARAMETERS, ...SCRIPT_PARAMETERS },
    switches: { json: 'Print JSON.' },
    settings: 'common',
    examples: ["binlog-undo plan --table shop.orders --start-datetime '2026-11-20 14:05:00' --stop-datetime '2026-11-20 14:10:00'", 'binlog-undo plan --thread-id 4711 --json'],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] });
    await using engine = await OpenEngine.open(config, io.signal);
    echoTimes(args.raw, io);
    const report = await describePlan(engine.context, await openPlan(engine.context, { update: config.updateForm, ...args.raw }, CLI_DIALECT));
    io.stdout.write(args.switches.has('json') ? `${JSON.stringify(report, null, 2)}\n` : planText(report));
    return 0;
  },
};
