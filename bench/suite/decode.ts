import { sized, type Benchmark, type Context } from '../harness/context.ts';
import { figure, median, rate, ratios, type Figure } from '../harness/figure.ts';
import { server, withConnection } from '../harness/servers.ts';
import { smallChanges, SYSBENCH_COLUMNS } from '../harness/workload.ts';
import { readBinlog } from './zongji.ts';

async function run(context: Context): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of context.kinds) {
    const source = await server(kind, 'source');
    const { from, transactions } = await withConnection(source, async (db) => {
      await db.query(`DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; CREATE TABLE bench.t (${SYSBENCH_COLUMNS}) CHARACTER SET latin1`);
      await db.query('FLUSH BINARY LOGS');
      return smallChanges(db, 'bench.t', sized(context, 200_000, 50_000));
    });
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < Math.max(context.turns, 3); turn++) {
      for (const [mode, into] of [['ours', ours], ['decode', theirs]] as const) {
        const read = await readBinlog(mode, source, from);
        if (read.transactions !== transactions) throw new Error(`${mode} saw ${read.transactions} of ${transactions} transactions`);
        into.push(transactions / read.cpu);
      }
    }
    figures.push(figure('one-row transactions decoded and assembled vs zongji', kind, ratios(ours, theirs), 'x', { least: 3 },
      `${rate(median(ours))} against ${rate(median(theirs))} transactions/CPU-s`));
  }
  return figures;
}

export const decode: Benchmark = { name: 'decode', about: 'one-row transactions from the network to assembled transactions, against zongji with its own decoding', run };
