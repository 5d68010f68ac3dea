import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exec, type ExecResult } from '../../deploy/provision/index.ts';
import { until } from './until.ts';

/** The built command, as users start it; `npm test` builds it first. */
export const CLI = process.env.TEST_CLI ?? join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js');

/** Where a server is and an account on it. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export function serverEnvironment(role: 'SOURCE' | 'BACKUP', server: Address): Record<string, string> {
  const name = `BINLOG_UNDO_${role}`;
  return {
    [`${name}_HOST`]: server.host, [`${name}_PORT`]: String(server.port), [`${name}_USER`]: server.user, [`${name}_PASSWORD`]: server.password,
  };
}

/** Nothing of the surrounding environment that the command reads. */
function cleanEnvironment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const outer = Object.entries(process.env).filter(([name]) => !name.startsWith('BINLOG_UNDO_') && !name.startsWith('NODE_'));
  return { ...Object.fromEntries(outer), ...env };
}

/** Runs `binlog-undo ARGS` to its end. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<ExecResult> {
  return exec(process.execPath, [CLI, ...args], { env: cleanEnvironment(env), timeout: 600_000 });
}

export interface LogLine {
  readonly event: string;
  readonly level: string;
  readonly [field: string]: unknown;
}

/** A running `binlog-undo run`. Killed when its scope ends, unless it was stopped before. */
export class Daemon implements AsyncDisposable {
  /** What it has logged. */
  readonly lines: LogLine[] = [];
  /** What it wrote to standard error beside JSON lines. */
  readonly text: string[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    const endToo = (): void => void child.kill('SIGKILL');
    process.once('exit', endToo);
    child.once('close', () => process.off('exit', endToo));
    createInterface({ input: child.stderr! }).on('line', (line) => {
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine);
      else this.text.push(line);
    });
  }

  /** Starts the daemon and waits until it reads the binlog. */
  static async start(env: Readonly<Record<string, string>>): Promise<Daemon> {
    const daemon = Daemon.spawn(env);
    await daemon.logged('capturing');
    return daemon;
  }

  /** Starts the daemon without waiting for anything. */
  static spawn(env: Readonly<Record<string, string>>, command: 'run' | 'serve' = 'run'): Daemon {
    const child = spawn(process.execPath, [CLI, command], { env: cleanEnvironment({ BINLOG_UNDO_ADMIN_PORT: '0', ...env }), stdio: ['ignore', 'ignore', 'pipe'] });
    return new Daemon(child);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Waits for the `times`-th log line of an event. */
  async logged(event: string, times = 1): Promise<LogLine> {
    return until(`log line ${event}`, () => {
      const found = this.lines.filter((line) => line.event === event).at(times - 1);
      if (!found && !this.running) throw new Error(`the daemon ended with ${this.#child.exitCode ?? this.#child.signalCode ?? '?'}: ${this.#said()}`);
      return found;
    });
  }

  /** Ends it as an operator does; it must end with status 0. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const status = await this.ended();
    if (status !== 0) throw new Error(`SIGTERM ended the daemon with status ${status ?? 'none'}: ${this.#said()}`);
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended();
  }

  /** Waits for the process to end by itself. @returns its exit status, null when a signal ended it. */
  async ended(): Promise<number | null> {
    if (this.running) await once(this.#child, 'close');
    return this.#child.exitCode;
  }

  /** The most memory it has held so far, in bytes. */
  peakMemory(): number {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'))?.[1];
    return Number(kilobytes) * 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) await this.kill();
  }

  #said(): string {
    return [...this.lines.slice(-5).map((line) => JSON.stringify(line)), ...this.text].join('\n');
  }
}
