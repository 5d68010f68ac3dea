import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { exec, freePort, type ExecResult } from '../provision/index.ts';
import type { Cleanup } from './cleanup.ts';
import { Commands } from './commands.ts';
import { narrator, type Narrator } from './narrator.ts';
import { Daemon, HANG_LIMIT_MS, type Program } from './program.ts';
import { asRoot, startServers, writeClient, writeConfiguration, writeStop, type Servers } from './servers.ts';
import { logIn, ShopSessions } from './sessions.ts';
import { openShop } from './shop.ts';
import type { Difference, ShopModel } from './shop-model.ts';

export interface DemoOptions {
  readonly program: Program;
  /** Leave servers and daemon running. */
  readonly keep: boolean;
  readonly write: (text: string) => void;
  /** Gets everything that has to end; the caller runs it. */
  readonly cleanup: Cleanup;
}

/** A claim of the demo and whether it held. */
export interface Proof {
  readonly claim: string;
  readonly holds: boolean;
}

const STEPS = 8;
/** Transactions of the sessions before the accident, between it and its undo, and after the undo. */
const BEFORE = 150;
const AFTER = 150;
const FINALLY = 50;
const NAME = 'Espresso beans, 1 kg';
const ACCIDENT = `UPDATE products SET name = '${NAME}', price = 18.50`;
const FORGOTTEN = 'WHERE id = 17';

/**
 * The whole story on real servers: a shop at work, an UPDATE without its WHERE, and the way back.
 * @returns every claim that was put to the test; the demo has failed when one does not hold.
 */
export async function runDemo(options: DemoOptions): Promise<readonly Proof[]> {
  const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-demo-'));
  options.cleanup.add(() => rm(folder, { recursive: true, force: true }));
  const story = new Story(options, folder);
  const stage = await story.servers();
  const daemon = await story.daemon(stage);
  const shop = await story.shop(stage);
  const accident = await story.accident(stage, shop);
  const opid = await story.find(stage, accident);
  if (opid !== null) {
    const script = await story.script(stage, opid);
    await story.apply(stage, shop, script);
    await story.compare(stage, shop, accident, script);
  }
  await story.end(stage, daemon);
  return story.proofs;
}

interface Stage {
  readonly servers: Servers;
  /** Path of the daemon's and the commands' configuration. */
  readonly configuration: string;
  readonly adminPort: number;
  /** Path of a command that starts the stock client on the shop's server. */
  readonly client: string;
  readonly use: Commands;
}

interface Shop {
  readonly root: Connection;
  readonly model: ShopModel;
  readonly sessions: ShopSessions;
}

interface Accident {
  /** Rows that it changed. */
  readonly rows: number;
  readonly threadId: number;
}

/** What `find --json` says of one operation, as far as the demo reads it. */
interface Found {
  readonly opid: string;
  readonly user: string | null;
  readonly threadId: number | null;
  readonly time: string;
  readonly sql: string | null;
  readonly updated: number;
}

/** One method for each part of the story, in their order. */
class Story {
  readonly proofs: Proof[] = [];
  readonly #options: DemoOptions;
  readonly #folder: string;
  readonly #tell: Narrator;

  constructor(options: DemoOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#tell = narrator(options.write, STEPS);
  }

  async servers(): Promise<Stage> {
    const tell = this.#tell;
    tell.step('Two private MySQL servers: the shop, and one for the undo log');
    const servers = await startServers((line) => tell.say(line), (server) => this.#options.cleanup.add(() => server.stop()));
    tell.say(`shop    MySQL ${servers.shop.version} on ${servers.shop.host}:${servers.shop.port}`);
    tell.say(`backup  MySQL ${servers.backup.version} on ${servers.backup.host}:${servers.backup.port}`);
    const configuration = join(this.#folder, 'undo.json');
    const adminPort = await freePort();
    await writeConfiguration(configuration, servers, adminPort);
    const client = await writeClient(this.#folder, 'mysql', servers.shop);
    return { servers, configuration, adminPort, client, use: new Commands(this.#options.program, configuration, tell) };
  }

  async daemon({ configuration, use }: Stage): Promise<Daemon> {
    this.#tell.step('The daemon, after a look at both servers');
    await use.show(['check']);
    this.#tell.command(`${use.text(['run'])} &`);
    const daemon = new Daemon(this.#options.program, ['--config', configuration], join(this.#folder, 'daemon.log'));
    this.#options.cleanup.add(() => daemon.stop().then(() => undefined));
    await daemon.capturing();
    this.#tell.say('it reads the binlog as a replica of the shop');
    return daemon;
  }

  async shop({ servers }: Stage): Promise<Shop> {
    const { cleanup } = this.#options;
    this.#tell.step('The shop opens: five sessions sell, restock and ship');
    const root = await asRoot(servers.shop);
    cleanup.add(() => root.destroy());
    const model = await openShop(root);
    const sessions = new ShopSessions(model);
    cleanup.add(() => sessions.stop());
    await sessions.start(servers.shop);
    await sessions.more(BEFORE);
    this.#tell.say(`${sessions.committed} transactions so far; ${model.count('products')} products, ${model.count('orders')} orders`);
    const differences = await sessions.paused(() => model.compare(root));
    this.#prove('the shop is what its sessions made of it', differences.length === 0, summary(differences, model.rows));
    return { root, model, sessions };
  }

  async accident({ servers }: Stage, { root, model, sessions }: Shop): Promise<Accident> {
    const tell = this.#tell;
    tell.step('The accident: Anna forgets the WHERE, the others go on');
    const anna = await logIn(servers.shop, 'anna');
    this.#options.cleanup.add(() => anna.destroy());
    tell.say(`anna> ${ACCIDENT};`);
    tell.say(`      (she meant: ... ${FORGOTTEN})`);
    const [{ affectedRows: rows }] = await anna.query<ResultSetHeader>(ACCIDENT);
    tell.say(`Query OK, ${rows} rows affected`);
    await sessions.more(AFTER);
    tell.say(`${AFTER} transactions of the others later, ${rows} products are called "${NAME}"`);
    const damage = await sessions.paused(() => model.compare(root));
    this.#prove('the comparison sees the damage, in name and price and nowhere else',
      new Set(damage.map(({ key }) => key)).size === rows && damage.every(isDamage), summary(damage, model.rows));
    return { rows, threadId: anna.threadId };
  }

  /** @returns the opid of the accident; null when it is not found */
  async find({ use }: Stage, accident: Accident): Promise<string | null> {
    this.#tell.step('Who was it? Updates of products that changed many rows');
    const search = ['find', '--database', 'shop', '--table', 'products', '--min-rows', '100', '--type', 'UPDATE'];
    await use.show(search);
    const { stdout } = await use.run([...search, '--json']);
    const { operations } = JSON.parse(stdout) as { operations: readonly Found[] };
    const [found] = operations;
    this.#prove('found: the session, the time and the SQL',
      operations.length === 1 && found?.user === 'anna@127.0.0.1' && found.threadId === accident.threadId && found.sql === ACCIDENT && found.updated === accident.rows,
      found === undefined ? 'nothing' : `${found.user ?? 'unknown'}, thread ${found.threadId ?? 'unknown'}, ${found.time}`);
    return found?.opid ?? null;
  }

  /** @returns the script's path */
  async script({ use }: Stage, opid: string): Promise<string> {
    const tell = this.#tell;
    tell.step('The plan and the script');
    await use.show(['plan', '--opid', opid]);
    tell.say('Others have sold and restocked products since: the same rows, other columns. So no script is made until a mode is chosen.');
    tell.say('The plan suggests nocascade-force: name and price are put back only while they hold what Anna left there.');
    const path = join(this.#folder, 'undo.sql');
    const asked = ['script', '--opid', opid, '--mode', 'nocascade-force'];
    tell.command(`${use.text(asked)} > ${path}`);
    const { stdout } = await use.run(asked);
    await writeFile(path, stdout);
    tell.output(stdout);
    return path;
  }

  async apply(stage: Stage, { sessions }: Shop, script: string): Promise<void> {
    this.#tell.step('The script is applied with the stock client, while the shop stays open');
    this.#tell.command(`${stage.client} < ${script}`);
    const applied = await runScript(stage, script);
    this.#tell.output(applied.stdout + applied.stderr);
    this.#prove('the client ends with status 0', applied.status === 0, `status ${applied.status}`);
    await sessions.more(FINALLY);
    await sessions.stop();
  }

  async compare(stage: Stage, { root, model }: Shop, { rows }: Accident, script: string): Promise<void> {
    this.#tell.step('Is the shop back?');
    const left = await model.compare(root);
    const wrong = new Set(left.filter(isDamage).map(({ key }) => key)).size;
    this.#prove('name and price of every product, byte by byte', wrong === 0, `${rows - wrong} of ${rows} rows are what they were`);
    this.#prove('what the others did since the accident is still there, and nothing else has changed', left.length === 0, summary(left, model.rows));
    const again = await runScript(stage, script);
    const after = await model.compare(root);
    this.#prove('the same script a second time is refused and changes nothing', again.status !== 0 && after.length === 0, `status ${again.status}, ${summary(after, model.rows)}`);
    await stage.use.show(['status']);
  }

  async end(stage: Stage, daemon: Daemon): Promise<void> {
    if (this.#options.keep && this.proofs.every(({ holds }) => holds)) {
      await this.#leave(stage, daemon);
      return;
    }
    const status = await daemon.stop();
    this.#prove('the daemon stops at a transaction boundary with status 0', status === 0, `status ${status ?? 'none'}`);
  }

  async #leave({ servers: { shop, backup }, adminPort, client, use }: Stage, daemon: Daemon): Promise<void> {
    daemon.keep();
    const folders = [shop.keep(), backup.keep(), this.#folder];
    const stop = await writeStop(this.#folder, [daemon.pid, shop.pid, backup.pid], folders);
    this.#options.cleanup.forget();
    this.#tell.line();
    for (const line of [
      'Left running (--keep):',
      `  shop     ${client}    (or any client: ${shop.host}:${shop.port}, root without password)`,
      `  backup   ${backup.host}:${backup.port}, root without password`,
      `  daemon   http://127.0.0.1:${adminPort}/v1/status    log: ${join(this.#folder, 'daemon.log')}`,
      `  try      ${use.text(['find', '--limit', '5'])}`,
      `  stop     ${stop}`,
    ]) this.#tell.say(line);
  }

  #prove(claim: string, holds: boolean, found: string): void {
    this.proofs.push({ claim, holds });
    this.#tell.proof(claim, holds, found);
  }
}

async function runScript({ client }: Stage, path: string): Promise<ExecResult> {
  return exec(client, [], { input: await readFile(path), timeout: HANG_LIMIT_MS });
}

/** Of the kind that the accident makes. */
function isDamage({ table, column }: Difference): boolean {
  return table === 'products' && (column === 'name' || column === 'price');
}

function summary(differences: readonly Difference[], rows: number): string {
  const [first] = differences;
  if (!first) return `${rows} rows in 4 tables, no difference`;
  const places = new Set(differences.map(({ table, column }) => (column === null ? `${table} (whole rows)` : `${table}.${column}`)));
  return `${differences.length} differences in ${[...places].join(', ')}; the first in row ${first.key}`;
}
