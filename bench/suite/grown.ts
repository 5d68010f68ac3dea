import type { Connection } from 'mysql2/promise';
import { connect } from '../../test/support/any-server.ts';
import type { BenchKind, Benchmark, Context } from '../harness/context.ts';
import type { Figure } from '../harness/figure.ts';
import { dropEqualTable, lastId, loadData, makeEqualTable } from '../harness/load-data.ts';
import { NativeReplica } from '../harness/replica.ts';
import { server, setDurability, withConnection } from '../harness/servers.ts';
import { bytesOf, catchUp, dropLog, undoTable } from '../harness/undo-log.ts';
import { bulkChanges, fillTable, type Stretch } from '../harness/workload.ts';
import { figuresOf, nothingMeasured } from './capture-figures.ts';
import { BULK, CREATE } from './workloads.ts';

/** How often the tables hold the buffer pool before anything is measured. */
const TIMES = 10;
/** Of backup server and replica; small, so that tables can outgrow it in minutes. */
const POOL_MIB = 64;
const QUICK_POOL_MIB = 16;
/** What a row takes, at the least: in the table of the source, and a row change in its goInception table. */
const TABLE_ROW = 250;
const CHANGE_ROW = 250;
/** Ids of the rows that are in the table before the log begins. */
const OLD = 100_000_000;

async function mustHold(log: Connection, database: string, bytes: number): Promise<number> {
  const held = await bytesOf(log, [database]);
  if (held < bytes) throw new Error(`${database} holds ${held} bytes, not ${bytes}`);
  return held;
}

/** The last tenth of the rows, again and again, where the tables of the replica and the goInception tables hold ten times the buffer pool already. */
async function measure(context: Context, kind: BenchKind): Promise<Figure[]> {
  const pool = Math.max(8, Math.round((context.quick ? QUICK_POOL_MIB : POOL_MIB) * context.scale));
  const goal = TIMES * pool * 2 ** 20;
  const [source, backup, replica] = [await server(kind, 'source'), await server(kind, 'backup', pool), await server(kind, 'replica', pool)];
  const [log, applier] = [await connect(backup, { multipleStatements: true, supportBigNumbers: true }), await connect(replica, { multipleStatements: true, supportBigNumbers: true })];
  for (const connection of [log, applier]) await setDurability(connection, false);
  const old = Math.ceil(goal / TABLE_ROW / 10_000) * 10_000;
  context.log(`grown: ${kind}, ${old} rows of ten times ${pool} MiB`);
  for (const holder of [source, replica]) {
    await withConnection(holder, async (connection) => {
      // Neither the log nor the replica is to see them.
      await connection.query('SET SESSION sql_log_bin = 0; DROP DATABASE IF EXISTS bench; CREATE DATABASE bench');
      await connection.query(CREATE);
      await fillTable(connection, 'bench.t', old, OLD);
    });
  }
  const native = new NativeReplica(applier, replica);
  const changes = Math.ceil(goal / CHANGE_ROW / 100_000) * 100_000;
  const db = await connect(source, { multipleStatements: true, supportBigNumbers: true });
  await db.query('SET GLOBAL max_binlog_size = 1073741824');
  const fill = await bulkChanges(db, 'bench.t', changes);
  await native.fetch(source, fill);
  await native.apply(fill);
  const { undoLog: alone } = await catchUp(source, backup, log, fill, 'none');
  const { undoLog: both } = await catchUp(source, backup, log, fill, 'plain');
  const table = await undoTable(log, both);
  await makeEqualTable(log, table, true);
  const held = await mustHold(log, table.split('.')[0]!.replaceAll('`', ''), goal);
  const replicaHeld = await mustHold(applier, 'bench', goal);
  for (const connection of [log, applier]) await setDurability(connection, true);
  const measured = nothingMeasured();
  const tenths: Stretch[] = [];
  for (let turn = 0; turn < context.turns; turn++) {
    // Not before: a replica applies all that there is. What it updates and deletes is old, and not in the pool.
    const tenth = await bulkChanges(db, 'bench.t', changes / 10, { insertFrom: changes + turn * changes, changeFrom: OLD + turn * Math.floor(old / context.turns) });
    tenths.push(tenth);
    await native.fetch(source, tenth);
    measured.native.push(await native.apply(tenth));
    measured.captured.push((await catchUp(source, backup, log, tenth, 'none', alone)).run);
    const before = await lastId(log, table);
    measured.projected.push((await catchUp(source, backup, log, tenth, 'plain', both)).run);
    measured.loaded.push(await loadData(backup, log, table, before));
  }
  await dropEqualTable(log);
  for (const undoLog of [alone, both]) await dropLog(log, undoLog);
  await applier.query('DROP DATABASE bench');
  await applier.end();
  await db.end();
  await log.end();
  const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  const [first] = tenths;
  context.log(`grown: ${kind}, goInception table ${mib(held)}, table of the replica ${mib(replicaHeld)}`);
  return figuresOf({
    kind, on: `${kind}, bulk into tables of ten times the buffer pool of ${pool} MiB, durable`, rowChanges: first!.rowChanges, binlogBytes: first!.to.offset - first!.from.offset,
    judged: true, largestEvent: BULK.largestEvent, measured,
  });
}

export const grown: Benchmark = {
  name: 'grown', when: 'full', about: 'capture and projection where all tables hold ten times the buffer pool already: the last tenth of the rows',
  run: async (context) => {
    const figures: Figure[] = [];
    for (const kind of context.kinds) figures.push(...await measure(context, kind));
    return figures;
  },
};
