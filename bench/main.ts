/** `npm run bench [-- NAME.. --quick --turns=N --scale=F --json=FILE]`: docs/benchmarks.md. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { BENCH_KINDS, type BenchKind, type Benchmark, type Context } from './harness/context.ts';
import { isMet, table, type Figure } from './harness/figure.ts';
import { familySeconds } from './harness/process-time.ts';
import { serverSeconds, stopServers } from './harness/servers.ts';
import { apply } from './suite/apply.ts';
import { capture, disk, small } from './suite/capture.ts';
import { decode } from './suite/decode.ts';
import { catchingUp, definitions } from './suite/definitions.ts';
import { grown } from './suite/grown.ts';
import { latency } from './suite/latency.ts';
import { memory } from './suite/memory.ts';
import { render } from './suite/render.ts';
import { script } from './suite/script.ts';
import { shapes } from './suite/shapes.ts';
import { sourceCost } from './suite/source-cost.ts';

const SUITE: readonly Benchmark[] = [render, decode, capture, small, grown, disk, ...shapes, latency, sourceCost, script, apply, memory, definitions, catchingUp];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, turns: { type: 'string' }, scale: { type: 'string', default: '1' }, json: { type: 'string', default: 'bench-result.json' }, list: { type: 'boolean', default: false }, on: { type: 'string', multiple: true, default: ['mysql-9.7', 'mariadb-11.8'] } },
});

const kinds = values.on.filter((kind) => BENCH_KINDS.some((known) => known === kind)) as BenchKind[];
if (kinds.length < values.on.length) throw new Error(`--on is ${BENCH_KINDS.join(' or ')}`);
const isNamed = ({ name, also }: Benchmark): boolean => positionals.includes(name) || (also !== undefined && positionals.includes(also));
const isDue = (benchmark: Benchmark): boolean => positionals.length > 0 ? isNamed(benchmark) : benchmark.when === undefined || (benchmark.when === 'full' && !values.quick);
const unknown = positionals.filter((name) => !SUITE.some((benchmark) => benchmark.name === name || benchmark.also === name));
if (values.list || unknown.length > 0) {
  if (unknown.length > 0) process.stderr.write(`no benchmark is called ${unknown.join(', ')}\n`);
  for (const { name, also, about } of SUITE) process.stdout.write(`${name.padEnd(12)} ${about}${also === undefined ? '' : ` (also: ${also})`}\n`);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const began = performance.now();
const context: Context = {
  quick: values.quick, turns: Number(values.turns ?? (values.quick ? 1 : 5)), scale: Number(values.scale), kinds,
  log: (line) => process.stderr.write(`[${((performance.now() - began) / 1000).toFixed(0)} s] ${line}\n`),
};

/** Facts without which no figure says anything. */
const machine = {
  processor: cpus()[0]?.model ?? 'unknown', processors: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version,
  loadAtStart: loadavg()[0],
};
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: import.meta.dirname }).trim();

const figures: Figure[] = [];
const failed: string[] = [];
/** How long each benchmark took, and the processor time of all of its processes: what the quick form has to be cut by. */
const took: { readonly name: string; readonly seconds: number; readonly processorSeconds: number }[] = [];
try {
  for (const benchmark of SUITE.filter(isDue)) {
    context.log(`${benchmark.name}: ${benchmark.about}`);
    const [since, usedBefore] = [performance.now(), familySeconds() + await serverSeconds()];
    try {
      figures.push(...await benchmark.run(context));
    } catch (error) {
      failed.push(benchmark.name);
      context.log(`${benchmark.name} FAILED: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
    }
    const spent = { seconds: (performance.now() - since) / 1000, processorSeconds: familySeconds() + await serverSeconds() - usedBefore };
    took.push({ name: benchmark.name, ...spent });
    context.log(`${benchmark.name}: ${spent.seconds.toFixed(0)} s, ${spent.processorSeconds.toFixed(0)} s of processor time`);
  }
} finally {
  await stopServers();
}
const seconds = Math.round((performance.now() - began) / 1000);
const loadAtEnd = loadavg()[0];
writeFileSync(values.json, `${JSON.stringify({ commit, date: new Date().toISOString(), quick: values.quick, turns: context.turns, seconds, machine: { ...machine, loadAtEnd }, took, figures: figures.map((found) => ({ ...found, met: isMet(found) })), failed }, null, 2)}\n`);
const judged = figures.map(isMet).filter((met) => met !== null);
process.stdout.write(`${table(figures)}\n\n${judged.filter(Boolean).length} of ${judged.length} targets met, ${failed.length} benchmarks failed; ${seconds} s; written to ${values.json}\n`);
process.exit(failed.length > 0 ? 1 : 0);
