import { loadConfig } from '../../config/load.ts';
import { UndoError } from '../../core/errors.ts';
import { SELECTION_PARAMETERS, acknowledgeGap, gapText, readGapReport } from '../../script/index.ts';
import { OpenEngine } from '../engine.ts';
import { note } from '../io.ts';
import type { Command } from './command.ts';

export const gaps: Command = {
  info: {
    name: 'gaps',
    summary: 'list what the log does not hold, and acknowledge it',
    about: 'Lists every gap with its scope, range, reason and time. Acknowledging notes that somebody knows of it and ends its count in status; the gap itself stays, and scripts over it are still refused.',
    parameters: { source: SELECTION_PARAMETERS.source },
    options: {
      acknowledge: { doc: 'The gap with this id is known now; needs --note.', kind: 'integer', placeholder: 'ID' },
      note: { doc: 'Who, why, what was done.', kind: 'text', placeholder: 'TEXT' },
    },
    switches: { json: 'Print JSON.' },
    settings: 'common',
    examples: ['binlog-undo gaps', "binlog-undo gaps --acknowledge 3 --note 'restored orders from the backup of Nov 20, anna'"],
  },
  async run(args, io) {
    await using engine = await OpenEngine.open(loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] }), io.signal);
    const alias = [args.raw.source ?? []].flat()[0] ?? null;
    const [id] = args.options.acknowledge ?? [];
    const [text] = args.options.note ?? [];
    if ((id === undefined) !== (text === undefined)) throw new UndoError('USAGE', '--acknowledge and --note belong together.', { fix: 'Give the id of the gap and a note.' });
    if (id !== undefined && text !== undefined) {
      if (!/^\d{1,15}$/.test(id)) throw new UndoError('USAGE', `--acknowledge is ${JSON.stringify(id)}.`, { fix: 'Give the id of a gap as binlog-undo gaps lists it.' });
      const first = await acknowledgeGap(engine.context, alias, Number(id), text);
      note(io, first ? `gap ${id} is acknowledged` : `gap ${id} was acknowledged before; the first note stays`);
    }
    const report = await readGapReport(engine.context, alias);
    io.stdout.write(args.switches.has('json') ? `${JSON.stringify(report, null, 2)}\n` : gapText(report));
    return 0;
  },
};
