import type { Connection } from 'mysql2/promise';
import type { Config } from '../../config/config.ts';
import { parseByteSize } from '../../config/formats.ts';
import { loadConfig } from '../../config/load.ts';
import { UndoError } from '../../core/errors.ts';
import { formatPosition } from '../../core/position.ts';
import { withRetentionConnections } from '../../projection/retention-connections.ts';
import { applyRetention, type RetentionReport } from '../../projection/retention.ts';
import { SELECTION_PARAMETERS, formatMicros, readTime } from '../../script/index.ts';
import { Ledger, requireLedger } from '../../store/ledger.ts';
import { requireSource } from '../../store/registry.ts';
import { ordinalOfOpid } from '../../store/retention-cut.ts';
import { purgeHistory } from '../../store/retention-history.ts';
import type { ParsedArgs } from '../args.ts';
import { note, type Io } from '../io.ts';
import type { Command } from './command.ts';

const PROGRESS_EVERY_MS = 2000;

export const purge: Command = {
  info: {
    name: 'purge',
    summary: 'remove old history from the log and the backup tables',
    about: [
      'Without --before, --before-opid and --max-bytes it applies the retention settings, as the daemon does by itself.',
      'Removes only what this log has written. What the projection or another consumer has not delivered yet stays, unless --force.',
      'Scripts that ask for removed history are refused from then on. It can be stopped at any moment and run again.',
      'With --history it leaves the log alone and removes old plans and scripts from the list that binlog-undo scripts shows, of every source of the ledger.',
    ].join('\n'),
    parameters: { source: SELECTION_PARAMETERS.source },
    options: {
      before: { doc: 'Remove what committed before this time. Databases and tables with a retention of their own keep to that.', kind: 'text', placeholder: 'TIME' },
      'before-opid': { doc: "Remove what lies before this operation's transaction.", kind: 'text', placeholder: 'OPID' },
      'max-bytes': { doc: 'Remove the oldest history until the log and its backup tables take about so much: 500G.', kind: 'text', placeholder: 'SIZE' },
      keep: { doc: 'With --history: keep so many of the newest plans and scripts.', kind: 'text', placeholder: 'NUMBER' },
    },
    switches: {
      'dry-run': 'Say what would go, and change nothing.',
      force: 'Do not wait for consumers that have not delivered it yet; a gap is noted.',
      optimize: 'Afterwards rebuild every table with 4 MiB of room inside (OPTIMIZE TABLE), not only those that retention.shrinkAbove means.',
      history: 'Remove plans and scripts from the history instead: by --before, by --keep, else by retention.historyDays and retention.historyEntries.',
      json: 'Print the result as JSON.',
    },
    settings: 'common',
    examples: ['binlog-undo purge --dry-run', "binlog-undo purge --before '2026-11-13 00:00:00'", 'binlog-undo purge --max-bytes 200G --optimize', 'binlog-undo purge --history --keep 1000'],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] });
    return withRetentionConnections(config.backup.endpoint, async (connection, second) => {
      const ledger = new Ledger(config.ledger);
      await requireLedger(connection, ledger);
      if (args.switches.has('history')) return await history(connection, ledger, config, args, io);
      if (one(args, 'keep') !== null) throw new UndoError('USAGE', '--keep goes with --history.', { fix: 'Bound the log by --before, --before-opid or --max-bytes.' });
      const source = await requireSource(connection, ledger, [args.raw.source ?? []].flat()[0] ?? config.source?.alias ?? null);
      const before = one(args, 'before');
      const opid = one(args, 'before-opid');
      const size = one(args, 'max-bytes');
      if ([before, opid, size].filter((bound) => bound !== null).length > 1) throw new UndoError('USAGE', '--before, --before-opid and --max-bytes exclude each other.');
      const maxBytes = size === null ? null : parseByteSize(size);
      if (size !== null && maxBytes === null) throw new UndoError('USAGE', `--max-bytes is ${JSON.stringify(size)}.`, { fix: 'Give a number of bytes, which may end in K, M, G or T.' });
      const time = before === null ? null : readTime(before, 'local');
      if (time?.local) note(io, `--before is ${formatMicros(time.micros)}`);
      const asked = before ?? opid ?? size;
      const report = await applyRetention({ connection, second, ledger, sourceId: source.id, signal: io.signal, now: Date.now(), rest: () => 0, onProgress: progress(io) }, {
        days: asked === null ? config.retention.days : null,
        overrides: config.retention.overrides,
        maxBytes: asked === null ? config.retention.maxBytes : maxBytes,
        beforeMicros: time?.micros ?? null,
        beforeOrdinal: opid === null ? null : await ordinalOfOpid(connection, ledger, source.id, opid),
        shrinkAbove: config.retention.shrinkAbove,
        force: args.switches.has('force'), dryRun: args.switches.has('dry-run'), optimize: args.switches.has('optimize'),
      });
      io.stdout.write(args.switches.has('json') ? `${JSON.stringify(purgeJson(source.alias, report), null, 2)}\n` : purgeText(source.alias, report));
      return 0;
    });
  },
};

/** A bound that is given stands alone; without one those of the configuration hold. */
async function history(connection: Connection, ledger: Ledger, { retention }: Config<'backup'>, args: ParsedArgs, io: Io): Promise<number> {
  for (const other of ['before-opid', 'max-bytes']) if (one(args, other) !== null) throw new UndoError('USAGE', `--history and --${other} exclude each other.`, { fix: 'Bound the history by --before or --keep.' });
  for (const other of ['force', 'optimize']) if (args.switches.has(other)) throw new UndoError('USAGE', `--history and --${other} exclude each other.`);
  if (args.raw.source !== undefined) throw new UndoError('USAGE', '--history and --source exclude each other: the history is that of the whole ledger.');
  const before = one(args, 'before');
  const keep = one(args, 'keep');
  if (keep !== null && !/^\d{1,9}$/.test(keep)) throw new UndoError('USAGE', `--keep is ${JSON.stringify(keep)}.`, { fix: 'Give a number.' });
  const time = before === null ? null : readTime(before, 'local');
  if (time?.local) note(io, `--before is ${formatMicros(time.micros)}`);
  const asked = before !== null || keep !== null;
  const days = asked ? null : retention.historyDays;
  const bounds = {
    beforeMicros: time?.micros ?? (days === null ? null : (Date.now() - days * 86_400_000) * 1000),
    entries: asked ? (keep === null ? null : Number(keep)) : retention.historyEntries,
  };
  const dryRun = args.switches.has('dry-run');
  const scripts = await purgeHistory(connection, ledger, bounds, dryRun, io.signal);
  io.stdout.write(args.switches.has('json') ? `${JSON.stringify({ format: 1, dryRun, scripts }, null, 2)}\n` : `${dryRun ? 'Would be purged' : 'Purged'} from the history: ${scripts} plans and scripts.\n`);
  return 0;
}

function one(args: ParsedArgs, name: string): string | null {
  const given = args.options[name] ?? [];
  if (given.length > 1) throw new UndoError('USAGE', `--${name} is given ${given.length} times.`, { fix: 'Give it once.' });
  return given[0] ?? null;
}

function progress(io: Io): (report: RetentionReport) => void {
  let told = performance.now();
  return (report) => {
    if (performance.now() - told < PROGRESS_EVERY_MS) return;
    told = performance.now();
    note(io, `purged so far: ${counts(report)}`);
  };
}

const counts = (report: RetentionReport): string =>
  `${report.transactions} transactions, ${report.operations} operations, ${report.rows} backup rows, ${report.blocks} blocks`;

function purgeJson(source: string, { point, ...report }: RetentionReport): object {
  return {
    format: 1, source, ...report,
    purgedBefore: point && { position: formatPosition(point.position), lastCommit: formatMicros(point.commitMicros) },
  };
}

function purgeText(source: string, report: RetentionReport): string {
  const { point, heldBack, bytesHeld, bytesFreed } = report;
  return `${[
    report.dryRun
      ? `Would be purged from "${source}": ${report.operations} operations with ${report.rows} row changes, of ${report.transactions} transactions and up to ${report.blocks} blocks.`
      : `Purged from "${source}": ${counts(report)}.`,
    ...(bytesHeld === null ? [] : [`Held before: ${(bytesHeld / 1024 ** 2).toFixed(1)} MiB.`]),
    ...(bytesFreed === 0 ? [] : [`Given back to the file system: about ${(bytesFreed / 1024 ** 2).toFixed(1)} MiB.`]),
    ...(point ? [`The log now begins at ${formatPosition(point.position)}, after ${formatMicros(point.commitMicros)}.`] : []),
    ...(heldBack ? [`Held back: ${heldBack.consumer} has delivered up to transaction ${heldBack.ordinal - 1} only; --force would not wait for it.`] : []),
  ].join('\n')}\n`;
}
