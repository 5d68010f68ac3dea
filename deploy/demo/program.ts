import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { register, release } from '../provision/lifetime.ts';
import { exec, type ExecResult } from '../provision/index.ts';

/** The project's folder: commands are run, and shown, from there. */
export const ROOT = join(import.meta.dirname, '../..');

/** How binlog-undo is started: node's arguments up to the program file. The demo runs what `npm run build` made. */
export type Program = readonly string[];

export const BUILT: Program = ['dist/cli/main.js'];
export const SOURCE: Program = ['--import', 'tsx', 'src/cli/main.ts'];

/** Only turns a hang into a failure: a loaded machine takes many times as long as a quiet one. */
export const HANG_LIMIT_MS = 600_000;

/** The command as a person would type it in the project's folder. */
export function shown(program: Program, args: readonly string[]): string {
  return ['node', ...program, ...args].map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

export function runProgram(program: Program, args: readonly string[]): Promise<ExecResult> {
  return exec(process.execPath, [...program, ...args], { cwd: ROOT, timeout: HANG_LIMIT_MS });
}

/** `binlog-undo run` as a child process; its log goes to a file. It ends with this process unless it is kept. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly #log: string;

  /** @param log path of the log file; `args` follow `run` */
  constructor(program: Program, args: readonly string[], log: string) {
    const out = openSync(log, 'w');
    // A process group of its own: Ctrl-C at the terminal is for the demo, which ends the daemon in an orderly way.
    this.#child = spawn(process.execPath, [...program, 'run', ...args], { cwd: ROOT, detached: true, stdio: ['ignore', out, out] });
    closeSync(out);
    this.#log = log;
    register(this);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits until its log says that it reads the binlog. */
  async capturing(): Promise<void> {
    const limit = Date.now() + HANG_LIMIT_MS;
    for (;;) {
      const log = await readFile(this.#log, 'utf8');
      if (log.includes('"event":"capturing"')) return;
      if (!this.running) throw new Error(`the daemon ended while starting:\n${log}`);
      if (Date.now() > limit) throw new Error(`the daemon did not start within ${HANG_LIMIT_MS / 1000} s:\n${log}`);
      await delay(25);
    }
  }

  /** SIGTERM, as a service manager does it. @returns the exit status; null when a signal ended it */
  async stop(): Promise<number | null> {
    if (this.running) {
      this.#child.kill('SIGTERM');
      this.#child.ref();
      await once(this.#child, 'exit');
    }
    release(this);
    return this.#child.exitCode;
  }

  /** Lets it run on after this process has ended. */
  keep(): void {
    release(this);
    this.#child.unref();
  }

  /** For the very end of this process, where nothing can be awaited. */
  endNow(): void {
    if (this.running) this.#child.kill('SIGKILL');
  }
}
