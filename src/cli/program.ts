import { nearest } from '../config/nearest.ts';
import { ConfigError } from '../config/load.ts';
import { UndoError, reasonOf } from '../core/errors.ts';
import { commandHelp, parseCommand } from './args.ts';
import { check } from './commands/check.ts';
import type { Command } from './commands/command.ts';
import { erase } from './commands/erase.ts';
import { find } from './commands/find.ts';
import { gaps } from './commands/gaps.ts';
import { migrate } from './commands/migrate.ts';
import { plan } from './commands/plan.ts';
import { purge } from './commands/purge.ts';
import { run } from './commands/run.ts';
import { script } from './commands/script.ts';
import { scripts } from './commands/scripts.ts';
import { serve } from './commands/serve.ts';
import { skip } from './commands/skip.ts';
import { status } from './commands/status.ts';
import { verify } from './commands/verify.ts';
import type { Io } from './io.ts';
import { VERSION } from './version.ts';

export const COMMANDS: readonly Command[] = [run, serve, check, find, plan, script, scripts, status, gaps, skip, purge, erase, migrate, verify];

function overview(): string {
  return `${[
    'binlog-undo: a continuous undo log for MySQL and MariaDB.', '',
    'Usage: binlog-undo COMMAND [OPTIONS]', '', 'Commands:',
    ...COMMANDS.map(({ info }) => `  ${info.name.padEnd(8)}${info.summary}`), '',
    'binlog-undo COMMAND --help tells more. Exit codes: 0 done, 1 failure, 2 usage, 3 refused.',
    'Settings come from --config FILE, the environment (BINLOG_UNDO_...) and options: docs/configuration.md.',
  ].join('\n')}\n`;
}

/** @returns the exit status; errors are told on standard error, one line each. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return report(error, io);
  }
}

async function dispatch([name, ...rest]: readonly string[], io: Io): Promise<number> {
  if (name === undefined) {
    io.stderr.write(overview());
    return 2;
  }
  if (['--help', '-h', 'help'].includes(name)) {
    const about = COMMANDS.find(({ info }) => info.name === rest[0]);
    io.stdout.write(about ? commandHelp(about.info) : overview());
    return 0;
  }
  if (name === '--version') {
    io.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const command = COMMANDS.find(({ info }) => info.name === name);
  if (!command) {
    throw new UndoError('USAGE', `"${name}" is not a command.`, { fix: `The nearest is ${nearest(name, COMMANDS.map(({ info }) => info.name)) ?? ''}. See binlog-undo --help.` });
  }
  // Help is given whatever else stands on the line.
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(commandHelp(command.info));
    return 0;
  }
  const args = parseCommand(command.info, rest);
  if (args.switches.has('version')) {
    io.stdout.write(`${VERSION}\n`);
    return 0;
  }
  return command.run(args, io);
}

function report(error: unknown, io: Io): number {
  if (error instanceof ConfigError && error.faults.length > 1) {
    for (const fault of error.faults) io.stderr.write(`binlog-undo: ${error.code}: ${fault.replace(/\s+/g, ' ')}\n`);
    io.stderr.write(`binlog-undo: ${error.code}: ${error.fix}\n`);
    return error.exitCode;
  }
  // The reader of our output went away (a pager that was left, head): nobody is there to be told.
  if (error instanceof Error && 'code' in error && ['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(error.code))) return 1;
  const known = error instanceof UndoError ? error : new UndoError('INTERNAL', `${reasonOf(error)}.`, { cause: error });
  io.stderr.write(`binlog-undo: ${known.oneLine()}\n`);
  return known.exitCode;
}
