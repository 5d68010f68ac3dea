import { createReadStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { join } from 'node:path';
import { toolCommand, type RunningServer } from '../../deploy/provision/index.ts';
import { formatPosition } from '../../src/core/position.ts';
import { CLI, serverEnvironment } from '../../test/support/daemon.ts';
import { clientArguments, connect } from '../../test/support/any-server.ts';
import { sized, type BenchKind, type Benchmark, type Context } from '../harness/context.ts';
import { runOnFiles } from '../harness/file-streams.ts';
import { figure, median, rate, ratios, short, type Figure } from '../harness/figure.ts';
import { server, setDurability, withConnection } from '../harness/servers.ts';
import { catchUp, dropLog, rows } from '../harness/undo-log.ts';
import { stretch, sysbenchRow, SYSBENCH_COLUMNS } from '../harness/workload.ts';

const PER_STATEMENT = 1000;

async function fill(source: RunningServer, count: number): Promise<void> {
  await withConnection(source, async (db) => {
    await setDurability(db, true);
    await db.query(`DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; CREATE TABLE bench.t (${SYSBENCH_COLUMNS}) CHARACTER SET latin1`);
    for (let id = 1; id <= count;) await db.query(`INSERT INTO bench.t VALUES ${Array.from({ length: PER_STATEMENT }, () => sysbenchRow(id++)).join(',')}`);
  });
}

const FORMS = ['single', 'multi'] as const;

/** Seconds to apply the scripts that undo a DELETE or an UPDATE of every row with the stock client, in both forms; and to LOAD DATA the same rows. */
async function measure(context: Context, kind: BenchKind, change: 'deleted' | 'updated'): Promise<Figure[]> {
  const [source, backup] = [await server(kind, 'source'), await server(kind, 'backup')];
  const count = sized(context, 1_000_000, 20_000);
  const log = await connect(backup, { multipleStatements: true, supportBigNumbers: true });
  await setDurability(log, true);
  const applied: Record<(typeof FORMS)[number], number[]> = { single: [], multi: [] };
  const client = await toolCommand('mariadb-11.8', 'usr/bin/mariadb', []);
  const script = join(source.dataDir, 'bench-undo.sql');
  const [loaded, scriptSeconds]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < context.turns; turn++) {
    await fill(source, count);
    const checksum = async (): Promise<string> => withConnection(source, async (db) => String((await rows(db, 'CHECKSUM TABLE bench.t'))[0]!.Checksum));
    const before = await checksum();
    if (change === 'deleted') loaded.push(await loadData(source, count));
    for (const form of turn % 2 === 0 ? FORMS : FORMS.toReversed()) {
      const done = await withConnection(source, (db) => stretch(db, { rowChanges: count, transactions: 1 }, async () => {
        await db.query(change === 'deleted' ? 'DELETE FROM bench.t' : 'UPDATE bench.t SET k = k + 1, c = REVERSE(c)');
      }));
      const { undoLog } = await catchUp(source, backup, log, done, 'none');
      let since = performance.now();
      await runOnFiles(process.execPath, [CLI, 'script', '--form', form, '--start-position', formatPosition(done.from), '--stop-position', formatPosition(done.to)], {
        ...process.env, ...serverEnvironment('SOURCE', source), ...serverEnvironment('BACKUP', backup), BINLOG_UNDO_SOURCE_ALIAS: undoLog.alias, BINLOG_UNDO_LEDGER: undoLog.ledger,
      }, { output: script });
      if (form === 'multi') scriptSeconds.push((performance.now() - since) / 1000);
      since = performance.now();
      await runOnFiles(client.command, [...client.args, ...clientArguments(source)], client.env, { input: script });
      applied[form].push((performance.now() - since) / 1000);
      if (await checksum() !== before) throw new Error('the script did not bring the table back');
      await dropLog(log, undoLog);
      context.log(`${kind}, ${change}, ${form}: ${rate(count / applied[form].at(-1)!)} rows/s`);
    }
  }
  await rm(script);
  await log.end();
  const on = `${kind}, ${rate(count)} ${change} rows`;
  const speed = (seconds: readonly number[]): string => `${rate(count / median(seconds))} rows/s`;
  const faster = figure('apply of an undo, rows sharing statements vs one statement a row', on, ratios(applied.single, applied.multi), 'x', { least: 5 },
    `${speed(applied.multi)} against ${speed(applied.single)}; script written in ${short(median(scriptSeconds))} s`);
  return loaded.length === 0 ? [faster] : [faster, figure('apply of an undo vs LOAD DATA', on, ratios(loaded, applied.multi), 'x', undefined, `LOAD DATA ${speed(loaded)}`)];
}

/** The rows of the table into an equal one. */
async function loadData(source: RunningServer, count: number): Promise<number> {
  const db = await connect(source, { multipleStatements: true });
  const file = join(source.dataDir, 'bench-load.txt');
  await writeFile(file, Array.from({ length: count }, (_, i) => `${sysbenchRow(i + 1).slice(1, -1).replaceAll("'", '').replaceAll(',', '\t')}\n`).join(''));
  await db.query('CREATE TABLE bench.loaded LIKE bench.t');
  const since = performance.now();
  await db.query({ sql: "LOAD DATA LOCAL INFILE 'rows' INTO TABLE bench.loaded", infileStreamFactory: (): Readable => createReadStream(file, { highWaterMark: 1 << 20 }) });
  const seconds = (performance.now() - since) / 1000;
  await db.query('DROP TABLE bench.loaded');
  await rm(file);
  await db.end();
  return seconds;
}

export const apply: Benchmark = {
  name: 'apply', about: 'the script that undoes a DELETE or UPDATE of a whole table, applied with the stock client: rows sharing statements against one statement a row, and LOAD DATA',
  run: async (context) => {
    const figures: Figure[] = [];
    for (const kind of context.kinds) for (const change of ['deleted', 'updated'] as const) figures.push(...await measure(context, kind, change));
    return figures;
  },
};
