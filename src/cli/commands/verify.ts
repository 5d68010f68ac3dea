import { writeFile } from 'node:fs/promises';
import { loadConfig } from '../../config/load.ts';
import { UndoError, reasonOf } from '../../core/errors.ts';
import { formatPosition } from '../../core/position.ts';
import { CLI_DIALECT, SCRIPT_PARAMETERS, SELECTION_PARAMETERS, readScriptOptions, readSelection } from '../../script/index.ts';
import { RangeResolver } from '../../script/range.ts';
import type { ParsedArgs } from '../args.ts';
import { OpenEngine } from '../engine.ts';
import { differencesOf, verifyRange, type VerifyReport } from '../verify/run-verify.ts';
import { sampleLiveRows } from '../verify/sample.ts';
import { measured, verifyText } from '../verify/report.ts';
import type { Command } from './command.ts';

const DEFAULT_SAMPLE = 100;
const MOST_SAMPLED = 100_000;

export const verify: Command = {
  info: {
    name: 'verify',
    summary: 'read the binlog again and compare it with the log, and the log with live rows',
    about: [
      'Reads a range from the source once more and compares every transaction, operation and row image, byte for byte, with what the log holds.',
      'With --sample it also goes back from the newest operation of the log and looks whether the rows of the source are as their newest change',
      'left them. Rows that were changed meanwhile are none: what differs is read again under a lock and searched for in what the log has got since.',
      'What differs then was changed behind the binlog (sql_log_bin=0, writes on a replica), or the log is wrong.',
      'Exit code 0: equal; 1: differences; 3: the log or the source does not have the range.',
    ].join('\n'),
    parameters: {
      source: SELECTION_PARAMETERS.source,
      start_position: { ...SELECTION_PARAMETERS.start_position, doc: 'Begin of the range; default: where the log begins.' },
      incarnation: SELECTION_PARAMETERS.incarnation,
      stop_position: { ...SELECTION_PARAMETERS.stop_position, doc: "End of the range; default: the source's position now." },
      wait: SCRIPT_PARAMETERS.wait,
    },
    options: {
      sample: { doc: `Look at the rows of so many of the newest operations as well, at most 10,000 looks; with --sample-only ${DEFAULT_SAMPLE}.`, kind: 'text', placeholder: 'COUNT' },
      'metrics-file': { doc: 'Write the result in the text format of Prometheus, for the textfile collector of its node exporter.', kind: 'text', placeholder: 'FILE' },
    },
    switches: { 'sample-only': 'Do not read the binlog.', json: 'Print JSON.' },
    settings: 'common',
    examples: [
      'binlog-undo verify', 'binlog-undo verify --start-position binlog.000012:4 --stop-position binlog.000013:4 --json',
      'binlog-undo verify --sample-only --sample 500 --metrics-file /var/lib/node_exporter/binlog_undo.prom',
    ],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['source', 'backup'] });
    const sampleOnly = args.switches.has('sample-only');
    const count = sampleCount(args) ?? (sampleOnly ? DEFAULT_SAMPLE : null);
    const metricsFile = one(args, 'metrics-file');
    await using engine = await OpenEngine.open(config, io.signal);
    const selection = readSelection({ source: config.source.alias, ...args.raw }, CLI_DIALECT);
    if (selection.source !== config.source.alias) {
      throw new UndoError('USAGE', `--source is "${selection.source ?? ''}", but the source configured is "${config.source.alias}".`, { fix: 'Configure the source that is to be read.' });
    }
    const { wait } = readScriptOptions(args.raw, CLI_DIALECT);
    const range = await new RangeResolver(engine.context, selection).resolve(wait, true);
    if (range.startLife !== range.incarnationId) throw new UndoError('NOT_COVERED', 'The range lies in an earlier life of the source\'s binlog, which cannot be read again.', { fix: 'Choose a range in the present one.' });
    const { compared, differences } = sampleOnly ? { compared: null, differences: [] } : await verifyRange(engine.context, config.source.endpoint, range);
    const sample = count === null ? null : await sampleLiveRows(engine.context, config.source.endpoint, range, count, wait);
    const report: VerifyReport = {
      format: 1, source: range.source.alias, from: formatPosition(range.start), to: formatPosition(range.stop), compared, differences: [...differences, ...sample?.differences ?? []], sample,
    };
    if (metricsFile !== null) await writeMetrics(metricsFile, report);
    io.stdout.write(args.switches.has('json') ? `${JSON.stringify(report, null, 2)}\n` : verifyText(report));
    return differencesOf(report) === 0 ? 0 : 1;
  },
};

function one(args: ParsedArgs, name: string): string | null {
  const values = args.options[name] ?? [];
  if (values.length > 1) throw new UndoError('USAGE', `--${name} is given ${values.length} times.`, { fix: 'Give it once.' });
  return values[0] ?? null;
}

function sampleCount(args: ParsedArgs): number | null {
  const text = one(args, 'sample');
  if (text === null) return null;
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_SAMPLED) return count;
  throw new UndoError('USAGE', `--sample is ${JSON.stringify(text)}.`, { fix: `Give a number of operations, 1 to ${MOST_SAMPLED}.` });
}

async function writeMetrics(file: string, report: VerifyReport): Promise<void> {
  const { renderVerifyMetrics } = await import('../../metrics/verify-metrics.ts');
  const text = await renderVerifyMetrics(report.source, measured(report));
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new UndoError('USAGE', `--metrics-file "${file}" cannot be written: ${reasonOf(error)}.`, { fix: 'Name a file in a directory that this user may write to.' });
  }
}
