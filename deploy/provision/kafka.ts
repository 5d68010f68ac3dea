import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ProvisionError } from './errors.ts';
import { execOk, lastLines } from './exec.ts';
import { cacheRoot } from './host.ts';
import { scramArguments, writeBrokerSettings, type SecureListener } from './kafka-settings.ts';
import { register, release } from './lifetime.ts';
import { freePort } from './ports.ts';
import { buildAside } from './tree.ts';

const VERSION = '4.1.0';
const START_LIMIT_MS = 300_000;
/** 16 bytes in base64url, as Kafka's ids are. A random one may begin with `-`, which the tool takes for an option. */
const CLUSTER_ID = Buffer.from('binlog-undo-test').toString('base64url');
/** A broker with a few topics needs no more, and the JIT's second stage is not worth its time in a test. */
const JAVA_OPTIONS = ['-Xms64m', '-Xmx320m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>binlog-undo</groupId><artifactId>broker</artifactId>
<version>1</version><dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency></dependencies></project>
`;

/** The broker's jars, from the cache or through the machine's Maven. */
async function ensureJars(): Promise<string> {
  const home = join(cacheRoot(), 'kafka', VERSION);
  const jars = join(home, 'jars');
  if ((await readdir(jars).catch((): string[] => [])).length > 0) return jars;
  try {
    await buildAside(jars, async (aside) => {
      const work = await mkdtemp(join(tmpdir(), 'binlog-undo-maven-'));
      try {
        await writeFile(join(work, 'pom.xml'), POM);
        await execOk('mvn', ['-q', '-B', '-f', join(work, 'pom.xml'), 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies',
          `-DoutputDirectory=${aside}`, '-DincludeScope=runtime']);
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    });
  } catch (error) {
    throw new ProvisionError(`Apache Kafka ${VERSION} cannot be had through Maven: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return jars;
}

/** A private broker in KRaft mode on 127.0.0.1 with a data directory of its own, gone after stop() or with this process. */
export class RunningKafka implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #jars: string;
  #child: ChildProcess | null = null;
  #secure: SecureListener | null = null;

  private constructor(port: number, folder: string, jars: string) {
    this.port = port;
    this.#folder = folder;
    this.#jars = jars;
  }

  get brokers(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The listener with TLS and accounts; `brokers` is the one without. */
  get secure(): SecureListener {
    return this.#secure!;
  }

  static async start(): Promise<RunningKafka> {
    const jars = await ensureJars();
    const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-kafka-'));
    const kafka = new RunningKafka(await freePort(), folder, jars);
    try {
      await kafka.#format();
      await kafka.restart();
    } catch (error) {
      await kafka.stop();
      throw error;
    }
    return kafka;
  }

  async #format(): Promise<void> {
    this.#secure = await writeBrokerSettings(this.#folder, this.#settings, { plain: this.port, controller: await freePort(), secure: await freePort() });
    await execOk('java', [...JAVA_OPTIONS, '-cp', `${this.#jars}/*`, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', this.#settings,
      ...scramArguments(this.#secure)]);
  }

  get #settings(): string {
    return join(this.#folder, 'server.properties');
  }

  /** Ends it as a power cut does; the data stay for restart(). */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Starts the broker, on the same port and data if it ran before. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    const logFile = join(this.#folder, 'broker.log');
    const log = openSync(logFile, 'w');
    const child = spawn('java', [...JAVA_OPTIONS, '-cp', `${this.#jars}/*`, 'kafka.Kafka', this.#settings], { detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    child.once('error', () => undefined); // java is missing: its end says so below
    this.#child = child;
    register(this);
    const limit = Date.now() + START_LIMIT_MS;
    while (!(await accepts(this.port))) {
      if (child.pid === undefined || child.exitCode !== null || Date.now() > limit) {
        throw new ProvisionError(`Kafka did not start:\n${lastLines(await readFile(logFile, 'utf8'), 12)}`);
      }
      await delay(50);
    }
    child.unref();
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 25 });
  }

  /** For the very end of the parent, where nothing can be awaited. */
  endNow(): void {
    this.#child?.kill('SIGKILL');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    release(this);
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    child.kill(signal);
    await once(child, 'exit');
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/** Starts Apache Kafka with the machine's Java. @throws ProvisionError when it, or Maven, cannot be had. */
export function startKafka(): Promise<RunningKafka> {
  return RunningKafka.start();
}
