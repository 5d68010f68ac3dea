import { loadConfig } from '../../config/load.ts';
import { UndoError } from '../../core/errors.ts';
import { parsePosition } from '../../core/position.ts';
import { thisUser } from '../engine.ts';
import { skipHistory } from '../run/skip-history.ts';
import type { Command } from './command.ts';

export const skip: Command = {
  info: {
    name: 'skip',
    summary: 'move the log on, past history that it then never holds',
    about: [
      'For what cannot be read and will not be: a damaged event, an event of a later server, a backlog that nobody needs.',
      'Moves the checkpoint to a later place between two transactions of the same binlog and records what lies before it as a gap over all',
      'tables, with the note. Scripts over it are refused like those over any other gap. The daemon must be stopped; it goes on from there.',
    ].join('\n'),
    parameters: {},
    options: {
      to: { doc: 'Where the log goes on: file:offset between two transactions, or latest for the end of the binlog.', kind: 'text', placeholder: 'POSITION' },
      note: { doc: 'Who, and why: it stands in the gap.', kind: 'text', placeholder: 'TEXT' },
    },
    switches: { 'dry-run': 'Say what would be skipped, and change nothing.', json: 'Print JSON.' },
    settings: 'common',
    examples: ["binlog-undo skip --to binlog.000013:4 --note 'binlog.000012 is damaged, INC-4711, anna'", "binlog-undo skip --to latest --note 'a week of load tests'"],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['source', 'backup'] });
    const [to, ...more] = args.options.to ?? [];
    const [note, ...notes] = args.options.note ?? [];
    if (to === undefined || note === undefined || more.length + notes.length > 0 || note.trim() === '') {
      throw new UndoError('USAGE', 'skip takes one --to and one --note.', { fix: "Give both: --to binlog.000013:4 --note 'why'." });
    }
    const { name, client } = thisUser();
    const dryRun = args.switches.has('dry-run');
    const report = await skipHistory(config, { to: to === 'latest' ? null : parsePosition(to), detail: `skipped by ${name}, ${client}: ${note}`, dryRun }, io.signal);
    io.stdout.write(args.switches.has('json') ? `${JSON.stringify(report, null, 2)}\n` : [
      `The log of "${report.source}" ${dryRun ? 'would go' : 'goes'} on at ${report.to}.`,
      `What lies between ${report.from} and there ${dryRun ? 'would be' : 'is'} a gap over all tables${dryRun ? '' : ': binlog-undo gaps lists it'}.\n`,
    ].join('\n'));
    return 0;
  },
};
