import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ProvisionError } from './errors.ts';
import { lastLines } from './exec.ts';

const START_LIMIT_MS = 300_000;
const STOP_LIMIT_MS = 60_000;

/** The port was taken between finding and binding it. */
export class PortTaken extends Error {}

/** One run of a server program, from spawn to exit. */
export class ServerProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /**
   * Starts the program and waits until its log says that it accepts connections. A process group of its own keeps a
   * Ctrl-C at the terminal away from it: its owner decides when and how it ends.
   * @param onSpawn called as soon as there is a process
   */
  static async start(command: string, args: readonly string[], logFile: string, onSpawn: (started: ServerProcess) => void): Promise<ServerProcess> {
    const log = openSync(logFile, 'w');
    const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    const failed = new Promise<Error>((resolve) => child.once('error', resolve));
    if (child.pid === undefined) throw await failed;
    const started = new ServerProcess(child, child.pid);
    onSpawn(started);
    await started.#ready(logFile);
    child.unref();
    return started;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #ready(logFile: string): Promise<void> {
    const limit = Date.now() + START_LIMIT_MS;
    for (;;) {
      const log = await readFile(logFile, 'utf8');
      if (/ready for connections\b/.test(log)) return;
      if (!this.running) {
        if (/Address already in use|another (mysqld|mariadbd|server) .*port/i.test(log)) throw new PortTaken();
        throw new ProvisionError(`the server ended while starting:\n${lastLines(log, 12)}`);
      }
      if (Date.now() > limit) {
        await this.signal('SIGKILL');
        throw new ProvisionError(`the server was not ready after ${START_LIMIT_MS / 1000} s:\n${lastLines(log, 12)}`);
      }
      await delay(20);
    }
  }

  /** Sends the signal and, unless it only pauses or continues, waits for the end of the process. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    this.#child.kill(signal);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
    this.#child.ref();
    await this.#exited;
  }

  /** An orderly end, or a hard one when that takes too long. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
    try {
      if (this.running) this.#child.kill('SIGCONT'); // a stopped process would not hear SIGTERM
      await this.signal('SIGTERM');
    } finally {
      clearTimeout(timer);
    }
  }

  /** For the very end of the parent, where nothing can be awaited. */
  killNow(): void {
    if (this.running) this.#child.kill('SIGKILL');
  }
}
