import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ADMIN } from './accounts.ts';
import { freshDataDir } from './data-template.ts';
import { ensurePrefix, type Prefix } from './debian-prefix.ts';
import { ProvisionError } from './errors.ts';
import type { FlavourRecipe, ServerSettings } from './flavour.ts';
import { flavourOf, type Flavour, type Progress, type ServerKind } from './kinds.ts';
import { register, release, type Mortal } from './lifetime.ts';
import { loaderCommand } from './loader.ts';
import { mariadb } from './mariadb.ts';
import { mysql } from './mysql.ts';
import { freePort } from './ports.ts';
import { makeRunFolder, markOwner, removeRunFolder } from './run-folder.ts';
import { PortTaken, ServerProcess } from './server-process.ts';
import { userArgs } from './user-args.ts';

export interface ServerOptions {
  /** More server options; they come last and win. */
  readonly args?: readonly string[];
  /** Options that must be given when the data directory is made, such as --lower-case-table-names=1; used at starts too. */
  readonly initArgs?: readonly string[];
  /** InnoDB buffer pool in MiB; default 128. */
  readonly bufferPoolMiB?: number;
  /** Default true. */
  readonly logBin?: boolean;
  /** MySQL: gtid_mode; MariaDB: gtid_strict_mode. Default true. */
  readonly gtid?: boolean;
  /** Default: the port, which no other server of this machine has. */
  readonly serverId?: number;
  readonly progress?: Progress;
}

const PORT_ATTEMPTS = 8;
const RECIPES_BY_FLAVOUR: Readonly<Record<Flavour, FlavourRecipe>> = { mysql, mariadb };

/** A private server on 127.0.0.1 with a data directory of its own, gone after stop() or with this process. */
export class RunningServer implements Mortal, AsyncDisposable {
  readonly kind: ServerKind;
  readonly flavour: Flavour;
  /** As the program says it: 9.7.4, 11.8.6-MariaDB. */
  readonly version: string;
  readonly host = '127.0.0.1';
  readonly rootUser = 'root';
  readonly rootPassword = '';
  /** An account with all rights from any address. */
  readonly user: string = ADMIN.user;
  readonly password: string = ADMIN.password;
  readonly #prefix: Prefix;
  readonly #options: ServerOptions;
  readonly #folder: string;
  #extraArgs: readonly string[];
  #port = 0;
  #process: ServerProcess | undefined;

  constructor(kind: ServerKind, prefix: Prefix, folder: string, options: ServerOptions) {
    this.kind = kind;
    this.flavour = flavourOf(kind);
    this.version = prefix.version;
    this.#prefix = prefix;
    this.#folder = folder;
    this.#options = options;
    this.#extraArgs = options.args ?? [];
  }

  get port(): number {
    return this.#port;
  }

  get dataDir(): string {
    return join(this.#folder, 'data');
  }

  /** Of its own: a server that starts removes whatever temporary tables it finds there, those of others in use included. */
  get #tempDir(): string {
    return join(this.#folder, 'tmp');
  }

  get socket(): string {
    return join(this.#folder, 's.sock');
  }

  get logFile(): string {
    return join(this.#folder, 'server.log');
  }

  /** 0 while the server is down. */
  get pid(): number {
    return this.#process?.running === true ? this.#process.pid : 0;
  }

  /** The server's options as it was started last. */
  get args(): readonly string[] {
    const { logBin = true, gtid = true, bufferPoolMiB = 128, serverId = this.#port } = this.#options;
    const settings: ServerSettings = { logBin, gtid, bufferPoolMiB, serverId };
    const recipe = RECIPES_BY_FLAVOUR[this.flavour];
    return [
      '--no-defaults',
      ...userArgs(),
      `--datadir=${this.dataDir}`,
      `--socket=${this.socket}`,
      `--tmpdir=${this.#tempDir}`,
      `--pid-file=${join(this.#folder, 'server.pid')}`,
      '--bind-address=127.0.0.1',
      `--port=${this.#port}`,
      '--skip-name-resolve',
      ...recipe.baseArgs(this.#prefix),
      ...commonArgs(settings),
      ...recipe.serverArgs(settings),
      ...(this.#options.initArgs ?? []),
      ...this.#extraArgs,
    ];
  }

  /** First start: a fresh data directory and a free port. */
  async launch(): Promise<void> {
    register(this);
    try {
      markOwner(this.#folder, undefined, false);
      await mkdir(this.#tempDir);
      await freshDataDir(this.#prefix, RECIPES_BY_FLAVOUR[this.flavour], this.dataDir, this.#options.initArgs ?? []);
      for (let attempt = 1; ; attempt += 1) {
        this.#port = await freePort();
        try {
          await this.#start();
          return;
        } catch (error) {
          if (!(error instanceof PortTaken) || attempt === PORT_ATTEMPTS) throw error;
        }
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const [command, args] = loaderCommand(this.#prefix.root, RECIPES_BY_FLAVOUR[this.flavour].program, this.args);
    await ServerProcess.start(command, args, this.logFile, (started) => {
      this.#process = started;
      markOwner(this.#folder, started.pid, false);
    });
  }

  /** Sends the signal; waits for the end of the process unless it is SIGSTOP or SIGCONT. The data stay for restart(). */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.signal(signal);
  }

  /** Stops the server if it runs and starts it again on the same data and port, with other extra options if given. */
  async restart(args?: readonly string[]): Promise<void> {
    await this.#process?.stop();
    if (args !== undefined) this.#extraArgs = args;
    try {
      await this.#start();
    } catch (error) {
      throw error instanceof PortTaken ? new ProvisionError(`port ${this.#port} was taken by another process during the restart`) : error;
    }
  }

  /** Ends the server and removes its data. May be called again. */
  async stop(): Promise<void> {
    await this.#process?.stop();
    release(this);
    removeRunFolder(this.#folder);
  }

  /** Leaves the server running after this process has ended. @returns the folder to remove once its pid has been ended */
  keep(): string {
    release(this);
    markOwner(this.#folder, this.pid, true);
    return this.#folder;
  }

  endNow(): void {
    this.#process?.killNow();
    removeRunFolder(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Durability is given up on purpose: a test server that loses power is thrown away. A killed process loses nothing. */
function commonArgs({ logBin, bufferPoolMiB, serverId }: ServerSettings): string[] {
  return [
    `--server-id=${serverId}`,
    `--innodb-buffer-pool-size=${bufferPoolMiB}M`,
    '--innodb-flush-log-at-trx-commit=2',
    '--max-allowed-packet=64M',
    ...(logBin ? ['--log-bin=binlog', '--binlog-format=ROW', '--binlog-row-image=FULL', '--binlog-row-metadata=FULL', '--sync-binlog=0'] : ['--skip-log-bin']),
  ];
}

/** Starts a private server; the first call for a kind downloads it, later ones take about a second. */
export async function startServer(kind: ServerKind, options: ServerOptions = {}): Promise<RunningServer> {
  const prefix = await ensurePrefix(kind, options.progress);
  const server = new RunningServer(kind, prefix, await makeRunFolder(kind), options);
  await server.launch();
  return server;
}
