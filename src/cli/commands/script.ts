import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { loadConfig } from '../../config/load.ts';
import { CLI_DIALECT, SCRIPT_PARAMETERS, SELECTION_PARAMETERS, countedChanges, headWarnings, openScript } from '../../script/index.ts';
import { OpenEngine } from '../engine.ts';
import { echoTimes } from '../echo-times.ts';
import { note } from '../io.ts';
import type { Command } from './command.ts';

export const script: Command = {
  info: {
    name: 'script',
    summary: 'print the rollback script for a part of the log',
    about: [
      'Selects by position, time, session, table, transaction or operation, and prints SQL that takes exactly that back, in reverse order.',
      'The script checks its server, commits as a whole or not at all, and fails when a row was changed again since (--guard changed).',
      'Later changes of the same rows are looked for first, and refuse it unless --mode says how they are met: plan lists them and suggests a mode.',
      'Refusals end with exit code 3, before any output.',
    ].join('\n'),
    parameters: { ...SELECTION_PARAMETERS, ...SCRIPT_PARAMETERS },
    switches: {},
    settings: 'common',
    examples: [
      'binlog-undo script --thread-id 4711 --start-datetime 2026-11-20T14:05:00Z --table shop.orders > undo.sql',
      'binlog-undo script --start-position binlog.000012:4 --stop-position binlog.000012:98231 --wait 30 > undo.sql',
      'binlog-undo script --opid 1795183500_4711_000001200000000197000000 | mariadb --host db1 --user root -p',
    ],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] });
    await using engine = await OpenEngine.open(config, io.signal);
    echoTimes(args.raw, io);
    const { plan, bytes } = await openScript(engine.context, { update: config.updateForm, ...args.raw }, CLI_DIALECT);
    for (const warning of headWarnings(plan)) note(io, `warning: ${warning}`);
    if (plan.totals.operations === 0) note(io, `0 operations match. ${plan.nearMisses.join(' ')}`);
    await pipeline(Readable.from(bytes, { objectMode: true, highWaterMark: 2 }), io.stdout, { end: false });
    if (plan.totals.operations > 0) note(io, `script ${plan.id}: ${countedChanges(plan.totals)}`);
    return 0;
  },
};
