import type { Connection } from 'mysql2/promise';
import { connect } from '../../test/support/any-server.ts';
import { Daemon, serverEnvironment } from '../../test/support/daemon.ts';
import { until } from '../../test/support/until.ts';
import { sized, type BenchKind, type Benchmark, type Context } from '../harness/context.ts';
import { figure, quantile, rate, short, type Figure } from '../harness/figure.ts';
import { familySeconds, processorSeconds } from '../harness/process-time.ts';
import { server, setDurability, withConnection } from '../harness/servers.ts';
import { catchUp, dropLog, rows } from '../harness/undo-log.ts';
import { smallChanges, sysbenchRow, SYSBENCH_COLUMNS } from '../harness/workload.ts';

const WRITERS = 8;

/** Commits one-row transactions at a rate and looks when each can be found in the log. @returns milliseconds, and the rate that was reached. */
async function observe(writers: readonly Connection[], log: Connection, ledger: string, firstId: number, perSecond: number, seconds: number): Promise<{ readonly waits: number[]; readonly reached: number; readonly sent: number }> {
  const next = async (): Promise<number> => Number((await rows(log, `SELECT next_ordinal AS next FROM \`${ledger}\`.checkpoints`))[0]!.next);
  const base = await next();
  const committed: number[] = [];
  const waits: number[] = [];
  const begun = performance.now();
  const end = begun + seconds * 1000;
  let id = firstId;
  const write = async (connection: Connection, number: number): Promise<void> => {
    const step = 1000 * writers.length / perSecond;
    for (let due = begun + number * step / writers.length; due < end; due += step) {
      const ahead = due - performance.now();
      if (ahead > 1) await new Promise((resolve) => setTimeout(resolve, ahead));
      if (performance.now() > end) break;
      await connection.query(`INSERT INTO bench.t VALUES ${sysbenchRow(id++)}`);
      committed.push(performance.now());
    }
  };
  const state = { writing: true };
  const written = Promise.all(writers.map(write)).finally(() => { state.writing = false; });
  while (state.writing || waits.length < committed.length) {
    const seen = await next() - base;
    const now = performance.now();
    // The n-th answer to a writer is taken for the n-th ordinal: with eight writers they differ by the time of a commit at most.
    for (; waits.length < seen && waits.length < committed.length;) waits.push(Math.max(0, now - committed[waits.length]!));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await written;
  return { waits, reached: committed.length / ((committed.at(-1)! - begun) / 1000), sent: id - firstId };
}

async function measure(context: Context, kind: BenchKind): Promise<Figure[]> {
  const [source, backup] = [await server(kind, 'source'), await server(kind, 'backup')];
  const log = await connect(backup, { multipleStatements: true, supportBigNumbers: true });
  await setDurability(log, true);
  const from = await withConnection(source, async (db) => {
    await setDurability(db, false);
    await db.query(`DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; CREATE TABLE bench.t (${SYSBENCH_COLUMNS}) CHARACTER SET latin1`);
    return smallChanges(db, 'bench.t', sized(context, 50_000, 10_000));
  });
  const capacityRun = await catchUp(source, backup, log, from, 'none');
  const capacity = from.transactions / capacityRun.run.captured;
  await dropLog(log, capacityRun.undoLog);
  const ledger = 'ledger_latency';
  await log.query(`DROP DATABASE IF EXISTS ${ledger}`);
  await using daemon = await Daemon.start({
    ...serverEnvironment('SOURCE', source), ...serverEnvironment('BACKUP', backup), BINLOG_UNDO_SOURCE_ALIAS: 'latency', BINLOG_UNDO_LEDGER: ledger,
  });
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => connect(source)));
  await writers[0]!.query(`INSERT INTO bench.t VALUES ${sysbenchRow(1_999_999)}`);
  await until('the first change is in the log', async () => Number((await rows(log, `SELECT next_ordinal AS next FROM ${ledger}.checkpoints`))[0]?.next ?? 1) > 1);
  const figures: Figure[] = [];
  let id = 2_000_000;
  const loads = [10, 200, Math.max(400, Math.round(capacity / 2))];
  for (const load of loads) {
    const parts = (): number[] => [processorSeconds(source.pid), processorSeconds(daemon.pid), processorSeconds(backup.pid), familySeconds()];
    const [before, since] = [parts(), performance.now()];
    const { waits, reached, sent } = await observe(writers, log, ledger, id, load, context.quick ? 5 : 30);
    id += sent;
    const busy = parts().map((spent, i) => (spent - before[i]!) * 1000 / (performance.now() - since));
    const judged = load === loads.at(-1);
    const on = `${kind}, ${judged ? 'half of capacity' : `${load}/s`}`;
    const detail = `${rate(load)}/s wanted, ${rate(reached)}/s reached, ${waits.length} commits, p99 ${short(quantile(waits, 0.99))} ms, max ${short(Math.max(...waits))} ms; capacity ${rate(capacity)}/s; processors busy: source ${short(busy[0]!)}, daemon ${short(busy[1]!)}, backup ${short(busy[2]!)}, the clients ${short(busy[3]!)}`;
    figures.push(
      figure('commit to queryable, p50', on, waits.toSorted((a, b) => a - b).filter((_, i) => i % Math.ceil(waits.length / 200) === 0), 'ms', judged ? { most: 100 } : undefined, detail),
      { name: 'commit to queryable, p99', on, value: quantile(waits, 0.99), unit: 'ms', runs: [quantile(waits, 0.99)], detail: '', ...(judged && { target: { most: 1000 } }) },
    );
  }
  for (const connection of writers) await connection.end();
  await daemon.stop();
  await dropLog(log, { ledger, alias: 'latency' });
  await log.end();
  return figures;
}

export const latency: Benchmark = {
  name: 'latency', about: 'commit on the source to queryable in the log, at several loads',
  run: async (context) => (await inTurn(context.kinds, (kind) => measure(context, kind))).flat(),
};

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
