/**
 * Puts a result into bench/baseline.json, where its figures take the place of older ones of the same name and form, and writes the table of
 * docs/benchmarks.md anew.
 *   npx tsx bench/record.ts [bench-result.json] ["what else ran on the machine"]
 * Without a file only the table is written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bound, isMet, short, type Figure } from './harness/figure.ts';

interface Result {
  readonly commit: string;
  readonly date: string;
  readonly quick: boolean;
  readonly turns: number;
  readonly machine: { readonly processor: string; readonly processors: number; readonly memoryGiB: number; readonly node: string; readonly loadAtStart?: number; readonly loadAtEnd?: number };
  readonly note?: string;
  readonly figures: readonly Figure[];
}

const BASELINE = join(import.meta.dirname, 'baseline.json');
const PAGE = join(import.meta.dirname, '../docs/benchmarks.md');
const [BEGIN, END] = ['<!-- recorded: written by bench/record.ts -->', '<!-- end of recorded -->'];

const [path, note] = process.argv.slice(2);
const baseline = JSON.parse(readFileSync(BASELINE, 'utf8')) as { recorded: readonly Result[] };
if (path !== undefined) {
  const { commit, date, quick, turns, machine, figures } = JSON.parse(readFileSync(path, 'utf8')) as Result;
  const again = new Set(figures.map(key));
  const older = baseline.recorded.map((run) => ({ ...run, figures: run.figures.filter((found) => run.quick !== quick || !again.has(key(found))) })).filter((run) => run.figures.length > 0);
  baseline.recorded = [{ commit, date, quick, turns, machine, ...(note !== undefined && { note }), figures }, ...older];
  writeFileSync(BASELINE, `${JSON.stringify(baseline, null, 2)}\n`);
}
const page = readFileSync(PAGE, 'utf8');
const [from, to] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)];
writeFileSync(PAGE, `${page.slice(0, from)}\n${baseline.recorded.map(section).join('\n')}${page.slice(to)}`);

function key({ name, on }: Figure): string {
  return `${name}|${on}`;
}

function section({ commit, date, quick, turns, machine, note: said, figures }: Result): string {
  const load = machine.loadAtStart === undefined ? '' : `, load ${short(machine.loadAtStart)} at the start, ${short(machine.loadAtEnd ?? NaN)} at the end`;
  const facts = `${date.slice(0, 10)}, commit ${commit}: ${quick ? 'quick form' : 'full sizes'}, ${turns} ${turns === 1 ? 'turn' : 'turns'}; ${machine.processors} processors (${machine.processor}), ${machine.memoryGiB} GiB, Node ${machine.node}${load}.${said === undefined ? '' : ` ${said}`}`;
  return [facts, '', '| figure | on | value | target | | detail |', '|---|---|---|---|---|---|', ...figures.map(row), ''].join('\n');
}

function row(found: Figure): string {
  const { name, on, value, unit, target, detail } = found;
  const met = isMet(found);
  return `| ${name} | ${on} | ${short(value)} ${unit} | ${target === undefined ? '' : bound(target)} | ${met === null ? '' : met ? 'met' : 'not met'} | ${detail} |`;
}
