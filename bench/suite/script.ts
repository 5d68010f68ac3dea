import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { OpenEngine } from '../../src/cli/engine.ts';
import { loadConfig } from '../../src/config/load.ts';
import { CLI_DIALECT, findOperations, openScript, type RawParameters } from '../../src/script/index.ts';
import { connect } from '../../test/support/any-server.ts';
import { CLI, serverEnvironment } from '../../test/support/daemon.ts';
import { sized, type BenchKind, type Benchmark, type Context } from '../harness/context.ts';
import { figure, median, rate, short, type Figure } from '../harness/figure.ts';
import { LongLog } from '../harness/long-log.ts';
import { server, withConnection } from '../harness/servers.ts';
import { catchUp, dropLog, rows } from '../harness/undo-log.ts';
import { stretch, type Stretch } from '../harness/workload.ts';
import { mostMemory } from './capture-figures.ts';

const TIMES = 9;
const LARGEST_EVENT = 8192;

type Environment = Record<string, string>;
type Ask = (engine: OpenEngine) => Promise<void>;

/** One changed row in one table, and all rows of another changed by one statement. */
async function accidents(context: Context, kind: BenchKind, count: number): Promise<Stretch> {
  return withConnection(await server(kind, 'source'), async (db) => {
    context.log(`script: ${kind}, ${rate(count)} rows`);
    await db.query('DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; USE bench; CREATE TABLE one (id INT PRIMARY KEY, n INT); INSERT INTO one VALUES (1, 1)');
    await db.query('CREATE TABLE big (id INT PRIMARY KEY, k INT, v VARCHAR(60))');
    await db.query("INSERT INTO big VALUES (1, 1, 'row number 1 of some words')");
    for (let filled = 1; filled < count; filled *= 2) {
      await db.query(`INSERT INTO big SELECT id + ${filled}, (id + ${filled}) MOD 97, CONCAT('row number ', id + ${filled}, ' of some words') FROM big WHERE id <= ${count - filled}`);
    }
    return stretch(db, { rowChanges: count + 1, transactions: 2 }, async () => {
      await db.query('UPDATE one SET n = 2');
      await db.query('UPDATE big SET k = k + 1');
    });
  });
}

/** Milliseconds with the connections, as a request of the API has them. */
async function timed(env: Environment, asks: Readonly<Record<string, Ask>>, times = TIMES): Promise<Map<string, number>> {
  const config = loadConfig({ env, needs: ['backup'] });
  const spent = new Map(Object.keys(asks).map((name) => [name, [] as number[]]));
  // The first round compiles our code and warms the server's caches.
  for (let i = 0; i <= times; i++) {
    for (const [name, ask] of Object.entries(asks)) {
      const since = performance.now();
      await using engine = await OpenEngine.open(config, AbortSignal.timeout(600_000));
      await ask(engine);
      if (i > 0) spent.get(name)!.push(performance.now() - since);
    }
  }
  return new Map([...spent].map(([name, values]) => [name, median(values)]));
}

const find = (raw: RawParameters): Ask => async ({ context }) => {
  if ((await findOperations(context, raw, CLI_DIALECT)).operations.length === 0) throw new Error(`nothing found: ${JSON.stringify(raw)}`);
};

/** Without the look at later changes, whose cost is that of the log behind the selection. */
const firstByte = (raw: RawParameters): Ask => async ({ context }) => {
  const { bytes } = await openScript(context, { mode: 'nocascade-force', ...raw }, CLI_DIALECT);
  if ((await bytes.next()).done === true) throw new Error('no script');
  await bytes.return({ statements: 0, rows: 0, largestStatement: 0 });
};

interface Written {
  /** From the first byte to the last. */
  readonly seconds: number;
  /** With the start of the process. */
  readonly wholeSeconds: number;
  readonly bytes: number;
  readonly peakMB: number;
}

/** The script of an operation of so many rows, as the command prints it. */
async function write(env: Environment, opid: string, form: 'single' | 'multi', count: number): Promise<Written> {
  const began = performance.now();
  const child = spawn(process.execPath, [CLI, 'script', '--mode', 'nocascade-force', '--form', form, '--opid', opid], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => { said += piece.toString('utf8'); });
  let [first, bytes, peak, tail] = [0, 0, 0, Buffer.alloc(0)];
  child.stdout.on('data', (piece: Buffer) => {
    if (first === 0) first = performance.now();
    bytes += piece.length;
    tail = Buffer.concat([tail, piece]).subarray(-4096);
    peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'latin1'))?.[1] ?? peak);
  });
  await once(child, 'close');
  const end = performance.now();
  if (child.exitCode !== 0) throw new Error(`script ended with ${child.exitCode ?? child.signalCode ?? '?'}: ${said}`);
  if (!tail.includes(`committed, ${count} rows undone`)) throw new Error(`not a script of ${count} rows: ${tail.toString('utf8')}`);
  return { seconds: (end - first) / 1000, wholeSeconds: (end - began) / 1000, bytes, peakMB: peak * 1024 / 1e6 };
}

async function measure(context: Context, kind: BenchKind): Promise<Figure[]> {
  const [source, backup] = [await server(kind, 'source'), await server(kind, 'backup')];
  const count = sized(context, 1_000_000, 500_000);
  const done = await accidents(context, kind, count);
  const log = await connect(backup, { multipleStatements: true, supportBigNumbers: true });
  const { undoLog } = await catchUp(source, backup, log, done, 'none');
  const env: Environment = { ...serverEnvironment('SOURCE', source), ...serverEnvironment('BACKUP', backup), BINLOG_UNDO_SOURCE_ALIAS: undoLog.alias, BINLOG_UNDO_LEDGER: undoLog.ledger };
  const [one, big] = await rows(log, `SELECT opid, gtid, start_file, start_offset, end_file, end_offset FROM \`${undoLog.ledger}\`.operations JOIN \`${undoLog.ledger}\`.transactions USING (source_id, ordinal) ORDER BY ordinal`);
  const [from, to] = [`${String(one!.start_file)}:${String(one!.start_offset)}`, `${String(one!.end_file)}:${String(one!.end_offset)}`];
  const long = new LongLog(log, undoLog);
  const figures: Figure[] = [];
  const slowest: number[] = [];
  const sizes = [1_000_000, 5_000_000, 20_000_000].map((size) => sized(context, size, size / 100)).slice(0, context.quick ? 2 : 3);
  for (const size of sizes) {
    await long.growTo(size);
    const on = `${kind}, ${rate(size)} operations`;
    const told = (spent: Map<string, number>): string => [...spent].map(([name, ms]) => `${name} ${short(ms)}`).join(', ');
    const bytes = await timed(env, {
      'by opid': firstByte({ opid: String(one!.opid) }), 'by GTID': firstByte({ include_gtids: String(one!.gtid), stop_position: to }), 'by positions': firstByte({ start_position: from, stop_position: to }),
      'of the long one': firstByte({ opid: String(big!.opid) }),
    });
    slowest.push(Math.max(...bytes.values()));
    figures.push(figure('script: first byte', on, [slowest.at(-1)!], 'ms', { most: 100 }, `the slowest; ${told(bytes)}`));
    const found = await timed(env, {
      newest: find({}), 'by opid': find({ opid: String(one!.opid) }), 'by table': find({ table: 'bench.one' }), 'by session': find({ thread_id: '1007' }), 'by GTID': find({ include_gtids: String(one!.gtid) }),
    });
    figures.push(figure('find: answer', on, [Math.max(...found.values())], 'ms', { most: 100 }, `the slowest; ${told(found)}`));
    // How fast it goes on does not hang on the log: the quick form looks at the longer one only.
    if (context.quick && size < sizes.at(-1)!) continue;
    const byText = await timed(env, { text: find({ text: 'UPDATE one SET n = 2', look: String(size + 10_000) }) }, 1);
    figures.push(figure('find: by text, through the whole log', on, [...byText.values()], 'ms', undefined, ''));
    const runs = { single: [] as Written[], multi: [] as Written[] };
    for (let turn = 0; turn < context.turns; turn++) for (const form of ['single', 'multi'] as const) runs[form].push(await write(env, String(big!.opid), form, count));
    const perSecond = (written: readonly Written[]): number[] => written.map(({ seconds }) => count / seconds);
    const whole = (written: readonly Written[]): string => `${short(median(written.map(({ wholeSeconds }) => wholeSeconds)))} s with the start of the process, ${short(written[0]!.bytes / 1e6)} MB`;
    const script = `${on}, ${rate(count)} rows`;
    figures.push(
      figure('script: statements/s, one for each row', script, perSecond(runs.single), '/s', { least: 500_000 }, whole(runs.single)),
      figure('script: rows/s, sharing statements', script, perSecond(runs.multi), '/s', undefined, whole(runs.multi)),
      figure('script: peak memory', script, [...runs.single, ...runs.multi].map(({ peakMB }) => peakMB), 'MB', mostMemory(LARGEST_EVENT), ''),
    );
  }
  const [least, most] = [sizes[0]!, sizes.at(-1)!];
  figures.push(figure('script: first byte, growth with the log', `${kind}, ${rate(least)} to ${rate(most)}`, [slowest.at(-1)! / slowest[0]!], 'x', { most: Math.log(most) / Math.log(least) }, 'at most as log n grows'));
  await dropLog(log, undoLog);
  await log.end();
  return figures;
}

export const script: Benchmark = {
  name: 'script', about: 'first byte of a script, and finding its operation, in logs of 1, 5 and 20 million operations (quick: 10,000 and 50,000); statements/s of a long script',
  run: async (context) => {
    const figures: Figure[] = [];
    for (const kind of context.kinds) figures.push(...await measure(context, kind));
    return figures;
  },
};
