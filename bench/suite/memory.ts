import { connect } from '../../test/support/any-server.ts';
import { sized, type Benchmark } from '../harness/context.ts';
import { figure, short, rate, type Figure } from '../harness/figure.ts';
import { server, withConnection } from '../harness/servers.ts';
import { catchUp, dropLog } from '../harness/undo-log.ts';
import { stretch, sysbenchRow, SYSBENCH_COLUMNS } from '../harness/workload.ts';
import { mostMemory } from './capture-figures.ts';

const SEED_ROWS = 1000;
const LARGEST_EVENT = 8192;

export const memory: Benchmark = {
  name: 'memory', about: 'resident memory of the daemon over one transaction of 10 million rows (quick: 200,000)',
  run: async (context) => {
    const figures: Figure[] = [];
    for (const kind of context.kinds) {
      const [source, backup] = [await server(kind, 'source'), await server(kind, 'backup')];
      const count = sized(context, 10_000_000, 200_000);
      const done = await withConnection(source, async (db) => {
        await db.query(`DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; CREATE TABLE bench.seed (${SYSBENCH_COLUMNS}) CHARACTER SET latin1; CREATE TABLE bench.t LIKE bench.seed`);
        await db.query(`INSERT INTO bench.seed VALUES ${Array.from({ length: SEED_ROWS }, (_, i) => sysbenchRow(i + 1)).join(',')}`);
        return stretch(db, { rowChanges: count, transactions: 1 }, async () => {
          await db.query('START TRANSACTION');
          for (let at = 0; at < count; at += SEED_ROWS) await db.query(`INSERT INTO bench.t SELECT id + ${at}, k, c, pad FROM bench.seed`);
          await db.query('COMMIT');
        });
      });
      const log = await connect(backup, { multipleStatements: true, supportBigNumbers: true });
      const { run, undoLog } = await catchUp(source, backup, log, done, 'plain');
      await dropLog(log, undoLog);
      await log.end();
      figures.push(figure('memory over one transaction', `${kind}, ${rate(count)} rows`, [run.peakMB], 'MB', mostMemory(LARGEST_EVENT), `projected in ${short(run.projected ?? 0)} s; events of 8 kB`));
    }
    return figures;
  },
};
