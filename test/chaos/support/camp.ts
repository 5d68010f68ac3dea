import { setTimeout as pause } from 'node:timers/promises';
import type { RunningServer } from '../../../deploy/provision/index.ts';
import { formatPosition, type Position } from '../../../src/core/position.ts';
import { Daemon, serverEnvironment } from '../../support/daemon.ts';
import { FaultProxy, type Fault } from '../../support/proxy.ts';
import { binlogEnd } from './capture.ts';
import { MixedLoad } from './load.ts';
import type { Random } from './random.ts';

/** Ends that a daemon may come to when the other side of a faulty line is not there at its start; a supervisor starts it again. */
const UNREACHABLE = /(BACKUP_UNREACHABLE|SOURCE_UNREACHABLE|BACKUP_REFUSED|STREAM_ENDED|STREAM_SILENT|STREAM_REFUSED|LEADER_LOST)/;

export type LineFault = 'latency' | 'drip' | 'reset' | 'blackHole' | 'halfOpen';
export const LINE_FAULTS: readonly LineFault[] = ['latency', 'drip', 'reset', 'blackHole', 'halfOpen'];

/** One source, its daemon, and the lines from the daemon to both servers. */
export class Camp implements AsyncDisposable {
  readonly source: RunningServer;
  readonly alias: string;
  readonly schema: string;
  readonly load: MixedLoad;
  /** Where the window begins: the tables as they are there are what the undo must give back. */
  readonly start: Position;
  readonly lines: Readonly<Record<'source' | 'backup', FaultProxy>>;
  readonly #env: Readonly<Record<string, string>>;
  #daemon: Daemon | null = null;
  #guard: Promise<void> = Promise.resolve();
  #over = false;
  kills = 0;
  /** How often the daemon has ended by itself before it ran, and was started again. */
  restarts = 0;
  /** Why sessions of its daemons have ended, and how often. */
  readonly ends = new Map<string, number>();
  /** What it said when it ended and should not have. */
  failure: string | null = null;

  private constructor(source: RunningServer, schema: string, load: MixedLoad, start: Position, lines: Camp['lines'], ledger: string) {
    this.source = source;
    this.alias = source.kind.replace('.', '');
    this.schema = schema;
    this.load = load;
    this.start = start;
    this.lines = lines;
    // What undoes DDL depends on when definitions were read, which two logs of one binlog need not have in common: rows are compared.
    this.#env = {
      ...serverEnvironment('SOURCE', lines.source), ...serverEnvironment('BACKUP', lines.backup), BINLOG_UNDO_SOURCE_ALIAS: this.alias,
      BINLOG_UNDO_LEDGER: ledger, BINLOG_UNDO_INCLUDE_DATABASE: schema, BINLOG_UNDO_START_POSITION: formatPosition(start), BINLOG_UNDO_PROJECTION_DDL: 'false',
    };
  }

  /** Makes the schema and what is in it before the window. */
  static async open(source: RunningServer, backup: RunningServer, schema: string, ledger: string, load: MixedLoad): Promise<Camp> {
    await load.prepare();
    const lines = { source: await FaultProxy.open(source), backup: await FaultProxy.open(backup) };
    return new Camp(source, schema, load, await binlogEnd(source), lines, ledger);
  }

  /** The environment of a daemon or command on lines of its own, with another ledger and alias if given. */
  straight(backup: RunningServer, other: Readonly<Record<string, string>> = {}): Record<string, string> {
    return { ...this.#env, ...serverEnvironment('SOURCE', this.source), ...serverEnvironment('BACKUP', backup), ...other };
  }

  /** Keeps a daemon running until `end`. */
  begin(): void {
    this.#daemon = Daemon.spawn(this.#env);
    this.#guard = this.#watch();
  }

  /** Waits until the daemon reads the binlog, or has ended. */
  async capturing(): Promise<void> {
    const daemon = this.#daemon;
    while (this.failure === null && daemon === this.#daemon && daemon?.running === true && !daemon.lines.some(({ event }) => event === 'capturing')) await pause(20);
  }

  /** As a power cut, and the machine coming back. */
  async killDaemon(downMilliseconds: number): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = null;
    await daemon?.kill();
    if (daemon) this.#count(daemon);
    this.kills++;
    await pause(downMilliseconds);
    this.#daemon = Daemon.spawn(this.#env);
  }

  async disturb(line: 'source' | 'backup', fault: LineFault, milliseconds: number, random: Random): Promise<void> {
    const proxy = this.lines[line];
    const shown = FAULTS[fault](random);
    if (shown) proxy.fault = shown;
    if (fault === 'reset') proxy.reset();
    if (fault === 'halfOpen') proxy.abandon();
    await pause(milliseconds);
    proxy.fault = { kind: 'none' };
    if (fault === 'blackHole' && random.chance(0.5)) proxy.reset();
  }

  /** Undisturbed from here on: a last kill, so that no line is left half-open and no daemon waits out a long backoff. */
  async calm(): Promise<void> {
    for (const proxy of Object.values(this.lines)) {
      proxy.fault = { kind: 'none' };
      proxy.reset();
    }
    await this.killDaemon(0);
  }

  /** Lets the daemon end in order. */
  async end(): Promise<void> {
    this.#over = true;
    await this.#guard;
    const daemon = this.#daemon;
    this.#daemon = null;
    await daemon?.stop();
    if (daemon) this.#count(daemon);
  }

  #count({ lines }: Daemon): void {
    for (const { event, error } of lines) {
      if (event !== 'session_ended') continue;
      const { code, message } = error as { code: string; message: string };
      const reason = `${code}${/ \(error \d+\)/.exec(message)?.[0] ?? ''}`;
      this.ends.set(reason, (this.ends.get(reason) ?? 0) + 1);
    }
  }

  /** Starts the daemon again when it ends by itself for a reason that passes, as a supervisor does. */
  async #watch(): Promise<void> {
    while (!this.#over && this.failure === null) {
      const daemon = this.#daemon;
      if (daemon !== null && !daemon.running) this.#ended(daemon);
      await pause(20);
    }
  }

  #ended(daemon: Daemon): void {
    const said = [...daemon.lines.slice(-5).map((line) => JSON.stringify(line)), ...daemon.text].join('\n');
    if (UNREACHABLE.test(said)) {
      this.restarts++;
      this.#daemon = Daemon.spawn(this.#env);
    } else this.failure = `the daemon of ${this.alias} ended by itself: ${said}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whether it failed is for those who asked it to stop before.
    await this.load.stop().catch(() => undefined);
    this.#over = true;
    await this.#guard;
    await this.#daemon?.kill();
    for (const proxy of Object.values(this.lines)) await proxy[Symbol.asyncDispose]();
  }
}

/** One for each source, ended together. */
export class Camps implements AsyncDisposable {
  readonly all: readonly Camp[];

  private constructor(all: readonly Camp[]) {
    this.all = all;
  }

  static async open(sources: readonly RunningServer[], backup: RunningServer, schema: string, ledger: string, random: Random): Promise<Camps> {
    return new Camps(await Promise.all(sources.map((source, i) => Camp.open(source, backup, schema, ledger, new MixedLoad(source, schema, random.fork(), i)))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const camp of this.all) await camp[Symbol.asyncDispose]();
  }
}

/** What a line fault asks of the proxy before anything else happens to its connections. */
const FAULTS: Readonly<Record<LineFault, (random: Random) => Fault | null>> = {
  latency: (random) => ({ kind: 'latency', milliseconds: random.between(5, 100) }),
  drip: (random) => ({ kind: 'drip', bytes: random.between(50, 5000) }),
  reset: () => null,
  blackHole: () => ({ kind: 'blackHole' }),
  halfOpen: () => ({ kind: 'blackHole' }),
};
