import type { Connection } from 'mysql2/promise';
import { connect } from '../../test/support/any-server.ts';
import type { BenchKind, Benchmark, Context } from '../harness/context.ts';
import type { Figure } from '../harness/figure.ts';
import { dropEqualTable, loadData, makeEqualTable } from '../harness/load-data.ts';
import { NativeReplica } from '../harness/replica.ts';
import { server, setDurability, withConnection } from '../harness/servers.ts';
import { bytesOf, catchUp, dropLog, undoTable } from '../harness/undo-log.ts';
import type { Stretch } from '../harness/workload.ts';
import { figuresOf, nothingMeasured, type Measured } from './capture-figures.ts';
import { BULK, ONE_ROW, TEN_ROWS, type Workload } from './workloads.ts';

/** What is measured: everything, or what the log takes on disk only. */
type Extent = 'all' | 'disk';

async function emptyTables(db: Connection, tables: readonly string[]): Promise<void> {
  await db.query('DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; USE bench');
  for (const create of tables) await db.query(create);
}

/** Runs the workload on the source, in one binlog file. */
async function work(context: Context, kind: BenchKind, workload: Workload): Promise<Stretch> {
  return withConnection(await server(kind, 'source'), async (db) => {
    await emptyTables(db, workload.create(context));
    await db.query('SET GLOBAL max_binlog_size = 1073741824');
    await db.query('FLUSH BINARY LOGS');
    return workload.run(db, context);
  });
}

/** Everything that a stretch is held against, once a turn, each into fresh tables. */
async function measure(context: Context, kind: BenchKind, workload: Workload, durable: boolean, extent: Extent): Promise<{ readonly stretch: Stretch; readonly measured: Measured }> {
  const stretch = await work(context, kind, workload);
  const [source, backup] = [await server(kind, 'source'), await server(kind, 'backup')];
  const measured = nothingMeasured();
  const log = await connect(backup, { multipleStatements: true, supportBigNumbers: true });
  await setDurability(log, durable);
  for (let turn = 0; turn < (extent === 'disk' ? 1 : context.turns); turn++) {
    if (extent === 'all') measured.native.push(await applyNatively(context, kind, workload, durable, stretch));
    const alone = await catchUp(source, backup, log, stretch, 'none');
    measured.captured.push(alone.run);
    measured.disk.push(await bytesOf(log, [alone.undoLog.ledger]));
    await dropLog(log, alone.undoLog);
    if (extent === 'disk') break;
    const both = await catchUp(source, backup, log, stretch, 'plain');
    measured.projected.push(both.run);
    if (workload.judged) {
      const from = await undoTable(log, both.undoLog);
      await makeEqualTable(log, from);
      measured.loaded.push(await loadData(backup, log, from));
      await dropEqualTable(log);
    }
    await dropLog(log, both.undoLog);
    // Of one row to an operation there is nothing to pack: the quick form does without.
    if (workload.judged && !(workload.oneRow && context.quick)) {
      const packed = await catchUp(source, backup, log, stretch, 'packed');
      measured.packed.push(packed.run);
      await dropLog(log, packed.undoLog);
    }
  }
  await log.end();
  return { stretch, measured };
}

/** @returns seconds that a native replica takes, into fresh tables. */
async function applyNatively(context: Context, kind: BenchKind, workload: Workload, durable: boolean, stretch: Stretch): Promise<number> {
  const [source, replica] = [await server(kind, 'source'), await server(kind, 'replica')];
  return withConnection(replica, async (db) => {
    await setDurability(db, durable);
    await withConnection(replica, async (other) => {
      if (replica.flavour === 'mysql') await other.query('SET SESSION sql_log_bin = 0');
      await emptyTables(other, workload.create(context));
    });
    const native = new NativeReplica(db, replica);
    await native.fetch(source, stretch);
    return native.apply(stretch);
  });
}

export async function measureWorkload(context: Context, workload: Workload, extent: Extent = 'all'): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of context.kinds) {
    for (const durable of context.quick || !workload.judged || extent === 'disk' ? [true] : [true, false]) {
      const { stretch, measured } = await measure(context, kind, workload, durable, extent);
      figures.push(...figuresOf({
        kind, on: `${kind}, ${workload.name}, ${durable ? 'durable' : 'relaxed'}`, rowChanges: stretch.rowChanges, binlogBytes: stretch.to.offset - stretch.from.offset, measured,
        // The targets are for durable settings; relaxed ones are shown beside.
        judged: durable && workload.judged, mostDisk: workload.mostDisk, largestEvent: workload.largestEvent,
      }));
    }
  }
  return figures;
}

export const capture: Benchmark = {
  name: 'capture', also: 'projection',
  about: 'bulk changes and transactions of ten rows (not quick) into the log and into the goInception tables, against a native replica and LOAD DATA; disk, memory',
  run: async (context) => [...await measureWorkload(context, BULK), ...context.quick ? [] : await measureWorkload(context, TEN_ROWS)],
};

export const small: Benchmark = { name: 'small', about: 'the same for one-row transactions', run: (context) => measureWorkload(context, ONE_ROW) };

export const disk: Benchmark = {
  name: 'disk', about: 'what the log takes for each byte of the binlog, bulk and one-row transactions: capture and small tell it too', when: 'named',
  run: async (context) => [...await measureWorkload(context, BULK, 'disk'), ...await measureWorkload(context, ONE_ROW, 'disk')],
};
