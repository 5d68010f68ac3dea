import { loadConfig } from '../../config/load.ts';
import { UndoError } from '../../core/errors.ts';
import { CLI_DIALECT, SCRIPT_PARAMETERS, SELECTION_PARAMETERS, readScriptOptions, readSelection } from '../../script/index.ts';
import { RangeResolver } from '../../script/range.ts';
import { OpenEngine } from '../engine.ts';
import { verifyRange, type VerifyReport } from '../verify/run-verify.ts';
import type { Command } from './command.ts';

export const verify: Command = {
  info: {
    name: 'verify',
    summary: 'read the binlog again and compare it with the log',
    about: [
      'Reads a range from the source once more and compares every transaction, operation and row image, byte for byte, with what the log holds.',
      'Exit code 0: equal; 1: differences; 3: the log or the source does not have the range.',
    ].join('\n'),
    parameters: {
      source: SELECTION_PARAMETERS.source,
      start_position: { ...SELECTION_PARAMETERS.start_position, doc: 'Begin of the range; default: where the log begins.' },
      incarnation: SELECTION_PARAMETERS.incarnation,
      stop_position: { ...SELECTION_PARAMETERS.stop_position, doc: "End of the range; default: the source's position now." },
      wait: SCRIPT_PARAMETERS.wait,
    },
    switches: { json: 'Print JSON.' },
    settings: 'common',
    examples: ['binlog-undo verify', 'binlog-undo verify --start-position binlog.000012:4 --stop-position binlog.000013:4 --json'],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['source', 'backup'] });
    await using engine = await OpenEngine.open(config, io.signal);
    const selection = readSelection({ source: config.source.alias, ...args.raw }, CLI_DIALECT);
    if (selection.source !== config.source.alias) {
      throw new UndoError('USAGE', `--source is "${selection.source ?? ''}", but the source configured is "${config.source.alias}".`, { fix: 'Configure the source that is to be read.' });
    }
    const range = await new RangeResolver(engine.context, selection).resolve(readScriptOptions(args.raw, CLI_DIALECT).wait, true);
    if (range.startLife !== range.incarnationId) throw new UndoError('NOT_COVERED', 'The range lies in an earlier life of the source\'s binlog, which cannot be read again.', { fix: 'Choose a range in the present one.' });
    const report = await verifyRange(engine.context, config.source.endpoint, range);
    io.stdout.write(args.switches.has('json') ? `${JSON.stringify(report, null, 2)}\n` : verifyText(report));
    return isEqual(report) ? 0 : 1;
  },
};

const isEqual = ({ compared }: VerifyReport): boolean => compared.missing + compared.extra + compared.different === 0;

function verifyText(report: VerifyReport): string {
  const { compared, differences } = report;
  const found = compared.missing + compared.extra + compared.different;
  return `${[
    `Compared "${report.source}" from ${report.from} to ${report.to}: ${compared.transactions} transactions, ${compared.operations} operations, ${compared.rows} row changes.`,
    ...differences.map(({ kind, position, opid, what }) => `${kind}: ${position}${opid === null ? '' : ` ${opid}`}: ${what}`),
    ...(found > differences.length ? [`... and ${found - differences.length} more`] : []),
    found === 0 ? 'The log is equal to the binlog.' : `Differences: ${compared.missing} missing, ${compared.extra} extra, ${compared.different} different.`,
  ].join('\n')}\n`;
}
