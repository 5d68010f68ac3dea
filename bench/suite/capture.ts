import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import type { RunningServer } from '../../deploy/provision/index.ts';
import { connect } from '../../test/support/any-server.ts';
import { sized, type BenchKind, type Benchmark, type Context } from '../harness/context.ts';
import { figure, median, rate, ratios, short, type Figure } from '../harness/figure.ts';
import { NativeReplica } from '../harness/replica.ts';
import { server, setDurability, withConnection } from '../harness/servers.ts';
import { bytesOf, catchUp, dropLog, rows, type LogRun, type UndoLog } from '../harness/undo-log.ts';
import { bulkChanges, smallChanges, SYSBENCH_COLUMNS, type Stretch } from '../harness/workload.ts';

const CREATE = `CREATE TABLE bench.t (${SYSBENCH_COLUMNS}) CHARACTER SET latin1`;

interface Measured {
  readonly native: number[];
  readonly nativeCpu: number[];
  readonly captured: LogRun[];
  readonly projected: LogRun[];
  readonly loaded: number[];
  readonly disk: number[];
}

export interface Workload {
  readonly name: string;
  /** Statements that make its tables in schema `bench`, the default. */
  readonly create: (context: Context) => readonly string[];
  readonly run: (source: Connection, context: Context) => Promise<Stretch>;
  /** Held against the targets; the others are there to show what is slow. */
  readonly judged: boolean;
  /** Most bytes of the log for each byte of the binlog. */
  readonly mostDisk?: number;
}

const BULK: Workload = { name: 'bulk', create: () => [CREATE], run: (db, context) => bulkChanges(db, 'bench.t', sized(context, 2_000_000, 200_000)), judged: true, mostDisk: 1.5 };
const SMALL: Workload = { name: 'one-row transactions', create: () => [CREATE], run: (db, context) => smallChanges(db, 'bench.t', sized(context, 200_000, 20_000)), judged: true, mostDisk: 2.0 };

async function emptyTables(db: Connection, tables: readonly string[]): Promise<void> {
  await db.query('DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; USE bench');
  for (const create of tables) await db.query(create);
}

/** Loads the rows of a goInception table into an equal one, the fastest way in that a server has. @returns seconds. */
async function loadData(backup: RunningServer, log: Connection, { ledger }: UndoLog): Promise<number> {
  const [claim] = await rows(log, `SELECT backup_database AS name FROM \`${ledger}\`.claims`);
  const from = `\`${String(claim!.name)}\`.t`;
  const file = join(backup.dataDir, 'bench-load.txt');
  const [found] = await log.query({ sql: `SELECT rollback_statement, opid_time FROM ${from} ORDER BY id`, rowsAsArray: true });
  await writeFile(file, (found as unknown as string[][]).map(([statement, opid]) => `${statement!}\x01${opid!}\n`).join(''));
  await log.query('SET GLOBAL local_infile = 1');
  await log.query(`DROP TABLE IF EXISTS bench_load; CREATE TABLE bench_load LIKE ${from}`);
  const since = performance.now();
  await log.query({
    sql: "LOAD DATA LOCAL INFILE 'rows' INTO TABLE bench_load CHARACTER SET utf8mb4 FIELDS TERMINATED BY x'01' ESCAPED BY '' LINES TERMINATED BY '\\n' (rollback_statement, opid_time)",
    infileStreamFactory: (): Readable => createReadStream(file, { highWaterMark: 1 << 20 }),
  });
  const seconds = (performance.now() - since) / 1000;
  const [count] = await rows(log, `SELECT (SELECT COUNT(*) FROM bench_load) - (SELECT COUNT(*) FROM ${from}) AS missing`);
  if (Number(count!.missing) !== 0) throw new Error(`LOAD DATA wrote ${String(count!.missing)} rows more than it was given (${statSync(file).size} bytes)`);
  await log.query('DROP TABLE bench_load');
  await rm(file);
  return seconds;
}

async function measure(context: Context, kind: BenchKind, workload: Workload, durable: boolean): Promise<{ readonly stretch: Stretch; readonly binlogBytes: number; readonly measured: Measured }> {
  const [source, backup, replica] = [await server(kind, 'source'), await server(kind, 'backup'), await server(kind, 'replica')];
  const stretch = await withConnection(source, async (db) => {
    await emptyTables(db, workload.create(context));
    await db.query('SET GLOBAL max_binlog_size = 1073741824');
    await db.query('FLUSH BINARY LOGS');
    return workload.run(db, context);
  });
  const measured: Measured = { native: [], nativeCpu: [], captured: [], projected: [], loaded: [], disk: [] };
  const log = await connect(backup, { multipleStatements: true, supportBigNumbers: true });
  const applier = await connect(replica, { multipleStatements: true, supportBigNumbers: true });
  await log.query('CREATE DATABASE IF NOT EXISTS bench_log; USE bench_log');
  for (const connection of [log, applier]) await setDurability(connection, durable);
  const native = new NativeReplica(applier, replica);
  for (let turn = 0; turn < context.turns; turn++) {
    await withConnection(replica, async (db) => {
      if (replica.flavour === 'mysql') await db.query('SET SESSION sql_log_bin = 0');
      await emptyTables(db, workload.create(context));
    });
    await native.fetch(source, stretch);
    measured.native.push(await native.apply(stretch));
    const alone = await catchUp(source, backup, log, stretch, false);
    measured.captured.push(alone.run);
    measured.disk.push(await bytesOf(log, [alone.undoLog.ledger]));
    await dropLog(log, alone.undoLog);
    const both = await catchUp(source, backup, log, stretch, true);
    measured.projected.push(both.run);
    if (workload.judged) measured.loaded.push(await loadData(backup, log, both.undoLog));
    await dropLog(log, both.undoLog);
  }
  await native.forget();
  await applier.end();
  await log.end();
  return { stretch, binlogBytes: stretch.to.offset - stretch.from.offset, measured };
}

async function figuresOf(context: Context, kind: BenchKind, workload: Workload, durable: boolean): Promise<Figure[]> {
  const { stretch, binlogBytes, measured } = await measure(context, kind, workload, durable);
  const { native, captured, projected, loaded, disk } = measured;
  const on = `${kind}, ${workload.name}, ${durable ? 'durable' : 'relaxed'}`;
  const perSecond = (seconds: readonly number[]): string => `${rate(stretch.rowChanges / median(seconds))}/s`;
  const captureSeconds = captured.map((run) => run.captured);
  const projectSeconds = projected.map((run) => run.projected!);
  const cpu = (runs: readonly LogRun[]): string => `CPU s: daemon ${short(median(runs.map((run) => run.daemonCpu)))}, backup ${short(median(runs.map((run) => run.backupCpu)))}`;
  // The targets are for durable settings; relaxed ones are shown beside.
  const judged = durable && workload.judged;
  const found = [
    figure('capture vs native replica', on, ratios(native, captureSeconds), 'x', judged ? { least: 2.5 } : undefined,
      `${perSecond(captureSeconds)} against ${perSecond(native)}; ${cpu(captured)}`),
    figure('projection vs native replica', on, ratios(native, projectSeconds), 'x', judged ? { least: kind.startsWith('mysql') ? 1.3 : 0.9 } : undefined,
      `${perSecond(projectSeconds)} against ${perSecond(native)}; ${cpu(projected)}`),
    figure('disk of the log per binlog byte', on, disk.map((bytes) => bytes / binlogBytes), 'x', judged && workload.mostDisk !== undefined ? { most: workload.mostDisk } : undefined,
      `${short(median(disk) / stretch.rowChanges)} bytes a row change, ${short(binlogBytes / stretch.rowChanges)} in the binlog`),
    figure('peak memory of the daemon', on, projected.map((run) => run.peakMiB), 'MiB', judged ? { most: 256 } : undefined, 'catching up, projection on'),
  ];
  if (workload.judged) {
    found.push(figure('projection vs LOAD DATA', on, ratios(loaded, projectSeconds), 'x', judged ? { least: 0.75 } : undefined,
      `${perSecond(projectSeconds)} against ${perSecond(loaded)}`));
  }
  return found;
}

export async function measureWorkload(context: Context, workload: Workload): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of context.kinds) {
    for (const durable of context.quick || !workload.judged ? [true] : [true, false]) figures.push(...await figuresOf(context, kind, workload, durable));
  }
  return figures;
}

export const capture: Benchmark = {
  name: 'capture', about: 'bulk changes into the log and into the goInception tables, against a native replica and LOAD DATA; disk, memory',
  run: (context) => measureWorkload(context, BULK),
};

export const small: Benchmark = { name: 'small', about: 'the same for one-row transactions', run: (context) => measureWorkload(context, SMALL) };
