import { join } from 'node:path';
import { runTool, sysbenchScripts, type RunningServer } from '../../deploy/provision/index.ts';
import { Daemon, serverEnvironment } from '../../test/support/daemon.ts';
import { binlogEnd, connect } from '../../test/support/any-server.ts';
import type { BenchKind, Benchmark, Context } from '../harness/context.ts';
import { figure, median, short, type Figure } from '../harness/figure.ts';
import { processorSeconds } from '../harness/process-time.ts';
import { NativeReplica } from '../harness/replica.ts';
import { server, withConnection } from '../harness/servers.ts';
import { tailSeconds } from '../harness/tail-threads.ts';
import { dropLog } from '../harness/undo-log.ts';

const TABLES = 4;
/** Transactions a second: far from all that two processors can do. At full speed everything else on them would show in the source's processor time. */
const RATE = 100;
const EVENTS = 500;
/** What reads the source's binlog meanwhile. `same`: the daemon with its backup on the source itself. */
const TAILS = ['none', 'native', 'daemon', 'same'] as const;
type Tail = (typeof TAILS)[number];
const QUICK_TAILS: readonly Tail[] = ['native', 'daemon'];

async function sysbench(source: RunningServer, command: 'prepare' | 'run', events: number): Promise<void> {
  const { status, stdout, stderr } = await runTool('sysbench', 'usr/bin/sysbench', [
    join(await sysbenchScripts(), 'oltp_read_write.lua'), '--db-driver=mysql', `--mysql-host=${source.host}`, `--mysql-port=${source.port}`, `--mysql-user=${source.user}`,
    `--mysql-password=${source.password}`, '--mysql-db=sbtest', `--tables=${TABLES}`, '--table-size=10000', '--threads=4', '--time=0', `--events=${events}`, `--rate=${RATE}`,
    '--mysql-ignore-errors=1213,1205,1020', command,
  ]);
  if (status !== 0) throw new Error(`sysbench ${command}: ${stdout}\n${stderr}`);
}

/** Milliseconds of the source's processor time for each transaction. */
interface Cost {
  /** Of the whole server. */
  readonly all: number;
  /** Of the threads that serve the tail. */
  readonly tail: number;
}

/** Under one kind of tail. */
async function cost(tail: Tail, source: RunningServer, backup: RunningServer, replica: RunningServer): Promise<Cost> {
  const load = async (): Promise<Cost> => {
    await sysbench(source, 'run', EVENTS / 10);
    const before = { all: processorSeconds(source.pid), tail: await tailSeconds(source) };
    await sysbench(source, 'run', EVENTS);
    const each = (seconds: number): number => seconds * 1000 / EVENTS;
    return { all: each(processorSeconds(source.pid) - before.all), tail: each(await tailSeconds(source) - before.tail) };
  };
  if (tail === 'none') return load();
  if (tail === 'native') {
    const applier = await connect(replica, { multipleStatements: true });
    const native = new NativeReplica(applier, replica);
    const end = await withConnection(source, binlogEnd);
    await native.fetch(source, { from: end, to: end, rowChanges: 0, transactions: 0, gtids: '' });
    const spent = await load();
    await native.forget();
    await applier.end();
    return spent;
  }
  const store = tail === 'same' ? source : backup;
  const undoLog = { alias: `cost_${tail}`, ledger: `ledger_cost_${tail}` };
  const spent = await (async () => {
    await using daemon = await Daemon.start({
      ...serverEnvironment('SOURCE', source), ...serverEnvironment('BACKUP', store), BINLOG_UNDO_SOURCE_ALIAS: undoLog.alias, BINLOG_UNDO_LEDGER: undoLog.ledger,
    });
    const found = await load();
    await daemon.stop();
    return found;
  })();
  await withConnection(store, (log) => dropLog(log, undoLog));
  return spent;
}

/** Student's factor for the 95 % interval with so many degrees of freedom: the normal one and the first terms beyond it. */
function student(freedom: number): number {
  const z = 1.96;
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}

/** The upper end of the 95 % interval of the mean of these values. */
function upperBound(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return mean + student(values.length - 1) * Math.sqrt(variance / values.length);
}

async function measure(context: Context, kind: BenchKind): Promise<Figure[]> {
  const [source, backup, replica] = [await server(kind, 'source'), await server(kind, 'backup'), await server(kind, 'replica')];
  await withConnection(source, (db) => db.query('DROP DATABASE IF EXISTS sbtest; CREATE DATABASE sbtest'));
  await sysbench(source, 'prepare', 1);
  const pairs = 6 * context.turns;
  const tails = context.quick ? QUICK_TAILS : TAILS;
  const spent: Record<Tail, Cost[]> = { none: [], native: [], daemon: [], same: [] };
  for (let pair = 0; pair < pairs; pair++) {
    // In turns, each time beginning with another one.
    for (let i = 0; i < tails.length; i++) {
      const tail = tails[(pair + i) % tails.length]!;
      spent[tail].push(await cost(tail, source, backup, replica));
    }
  }
  const native = spent.native.map(({ all }) => all);
  const beyond = (tail: Tail): number[] => spent[tail].map(({ all }, i) => 100 * (all / native[i]! - 1));
  // The rest of the server does the same work under both: what it takes differs by chance.
  const threads = spent.daemon.map(({ tail }, i) => 100 * (tail - spent.native[i]!.tail) / native[i]!);
  const each = (part: keyof Cost): string => TAILS.filter((tail) => spent[tail].length > 0).map((tail) => `${tail} ${short(1000 * median(spent[tail].map((one) => one[part])))}`).join(', ');
  const most = { most: 3 };
  return [
    {
      name: 'source cost beyond a dump thread, upper 95 % bound', on: kind, value: upperBound(beyond('daemon')), unit: '%', target: most,
      runs: beyond('daemon'), detail: `${pairs} pairs of ${EVENTS} transactions; median ${short(median(beyond('daemon')))} %; CPU us a transaction: ${each('all')}`,
    },
    {
      name: 'the same of the threads that serve the tail', on: kind, value: upperBound(threads), unit: '%', target: most,
      runs: threads, detail: `CPU us a transaction: ${each('tail')}`,
    },
    ...spent.same.length === 0 ? [] : [figure('the same with the backup on the source itself', kind, beyond('same'), '%', undefined, 'median')],
  ];
}

export const sourceCost: Benchmark = {
  name: 'source-cost', about: 'processor time of the source for a sysbench transaction: no tail, a native dump thread, the daemon',
  run: async (context) => {
    const figures: Figure[] = [];
    for (const kind of context.kinds) figures.push(...await measure(context, kind));
    return figures;
  },
};
