import { closeSync, createReadStream, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exec, toolCommand, type RunningServer } from '../../deploy/provision/index.ts';
import { SqlBuffer } from '../../src/core/sql-buffer.ts';
import { buildShape, compileWriter, type RenderOptions, type UndoWriter } from '../../src/rollback/index.ts';
import { readDefinition } from '../../test/rollback/support/definition.ts';
import { BinlogFile } from '../harness/binlog-file.ts';
import { sized, type Benchmark, type Context } from '../harness/context.ts';
import { figure, median, rate, ratios, type Figure } from '../harness/figure.ts';
import { ownSeconds } from '../harness/process-time.ts';
import { server, withConnection } from '../harness/servers.ts';
import { bulkChanges, SYSBENCH_COLUMNS, type Stretch } from '../harness/workload.ts';
import { readBinlog } from './zongji.ts';

const FLUSH = 1 << 19;
/** The first one is compiling for the most part, which a daemon does once. */
const LEAST_TURNS = 3;

type WriterOf = (options: RenderOptions) => UndoWriter;

/** Seconds of processor time from a binlog file to rollback SQL in a file, newest change first. */
function renderFile(path: string, target: string, writer: UndoWriter): { readonly seconds: number; readonly statements: number } {
  let statements = 0;
  const seconds = ownSeconds(() => {
    const file = new BinlogFile(path);
    const output = openSync(target, 'w');
    const out = new SqlBuffer(2 * FLUSH);
    const flush = (): void => {
      writeSync(output, out.bytes, 0, out.length);
      out.clear();
    };
    file.newestFirst((map, rows) => {
      if (map.table !== writer.shape.table) return;
      statements += writer.undo(rows, out, () => {
        out.byte(10);
        if (out.length > FLUSH) flush();
      });
    });
    flush();
    closeSync(output);
    file.close();
  });
  return { seconds, statements };
}

/** The same of `mariadb-binlog --flashback`, which writes raw events in reverse, as BINLOG statements in base64. */
async function flashbackFile(path: string, target: string): Promise<number> {
  const { command, args } = await toolCommand('mariadb-11.8', 'usr/bin/mariadb-binlog', ['--no-defaults', '--flashback', path]);
  const quoted = [command, ...args, target].map((part) => `'${part.replaceAll("'", "'\\''")}'`);
  const { stderr } = await exec('bash', ['-c', `TIMEFORMAT='%U %S'; time ${quoted.slice(0, -1).join(' ')} >${quoted.at(-1)!}`]);
  const [user, system] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return user! + system!;
}

async function prepare(from: RunningServer, rowChanges: number): Promise<{ readonly stretch: Stretch; readonly path: string; readonly writerOf: WriterOf }> {
  return withConnection(from, async (db) => {
    await db.query('DROP DATABASE IF EXISTS bench');
    await db.query('CREATE DATABASE bench');
    await db.query(`CREATE TABLE bench.t (${SYSBENCH_COLUMNS}) CHARACTER SET latin1`);
    await db.query('FLUSH BINARY LOGS');
    const stretch = await bulkChanges(db, 'bench.t', rowChanges);
    await db.query('FLUSH BINARY LOGS');
    const definition = await readDefinition(db, 'bench', 't');
    const path = join(from.dataDir, stretch.from.file);
    const writers = new Map<string, UndoWriter>();
    return {
      stretch, path,
      writerOf: (options) => {
        const key = JSON.stringify(options);
        let writer = writers.get(key);
        if (!writer) {
          const file = new BinlogFile(path);
          file.newestFirst((map) => { if (map.table === 't') writer ??= compileWriter(buildShape(map, definition), options); });
          file.close();
          writers.set(key, writer!);
        }
        return writer!;
      },
    };
  });
}

/** The file of the full form is longer than a string can be. */
async function binlogStatements(path: string): Promise<number> {
  let found = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) if (line.startsWith("BINLOG '")) found++;
  return found;
}

async function run(context: Context): Promise<Figure[]> {
  // --flashback reads MariaDB's logs only.
  const source = await server('mariadb-11.8', 'source');
  const { stretch, path, writerOf } = await prepare(source, sized(context, 2_000_000, 400_000));
  const [ours, theirs] = [join(source.dataDir, 'bench-ours.sql'), join(source.dataDir, 'bench-flashback.sql')];
  const forms: readonly (RenderOptions & { readonly name: string })[] = [
    { name: 'goInception rows', flavour: 'mariadb', form: 'backup', update: 'changed', guard: 'none' },
    { name: 'script, guarded', flavour: 'mariadb', form: 'script', update: 'changed', guard: 'changed' },
  ];
  const mine = new Map(forms.map(({ name }) => [name, [] as number[]]));
  const flashback: number[] = [];
  const zongji: number[] = [];
  let statements = 0;
  for (let turn = 0; turn < Math.max(LEAST_TURNS, context.turns); turn++) {
    for (const form of forms) {
      const rendered = renderFile(path, ours, writerOf(form));
      mine.get(form.name)!.push(rendered.seconds);
      statements = rendered.statements;
    }
    flashback.push(await flashbackFile(path, theirs));
    const escaped = await readBinlog('escape', source, stretch.from);
    zongji.push(escaped.cpu * stretch.rowChanges / escaped.rows);
  }
  if (statements !== stretch.rowChanges) throw new Error(`${statements} statements of ${stretch.rowChanges} row changes`);
  const [oursBytes, theirsBytes, lines] = [statSync(ours).size, statSync(theirs).size, await binlogStatements(theirs)];
  rmSync(ours);
  rmSync(theirs);
  const perSecond = (seconds: readonly number[]): string => `${rate(stretch.rowChanges / median(seconds))} rows/CPU-s`;
  const figures = forms.flatMap(({ name }) => {
    const own = mine.get(name)!;
    return [
      figure(`render vs --flashback (${name})`, source.kind, ratios(flashback, own), 'x', { least: 2.5 }, `${perSecond(own)} against ${perSecond(flashback)}`),
      figure(`render vs zongji + escape (${name})`, source.kind, ratios(zongji, own), 'x', { least: 7 }, `${perSecond(own)} against ${perSecond(zongji)}`),
    ];
  });
  context.log(`render: ${stretch.rowChanges} row changes, ${statSync(path).size} bytes of binlog; last file ${oursBytes} bytes of SQL, flashback ${theirsBytes} bytes in ${lines} BINLOG statements`);
  return figures;
}

export const render: Benchmark = { name: 'render', about: 'a binlog file to rollback SQL in a file, against --flashback and against zongji with escaping', run };
