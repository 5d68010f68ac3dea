import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const CLASSES = 56;
const CONDITIONS = 13;
const WITHOUT_TEST = /^(only by reading: |cannot hit us)/;

/** Cells of the rows of a page's tables, heads left out. */
function tableRows(text: string): string[][] {
  const rows = text.split('\n').filter((line) => line.startsWith('| ')).map((line) => line.slice(2, -2).split(' | '));
  return rows.filter(([first]) => first !== 'condition' && first !== 'class');
}

/** The names of the tests of a file as they stand there, without a server's kind in front. */
function testNames(path: string): Set<string> {
  const text = readFileSync(path, 'utf8');
  const found = text.matchAll(/\b(?:test|it)\((?:`((?:[^`\\]|\\.)*)`|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g);
  return new Set([...found].map(([, ...forms]) => forms.join('').replace(/^\$\{(?:(?:server\.)?kind|flavour)\}: /, '').replace(/\\(.)/g, '$1')));
}

test('every test that docs/failure-checklist.md names is there', () => {
  const rows = tableRows(readFileSync(join(ROOT, 'docs/failure-checklist.md'), 'utf8'));
  const missing: string[] = [];
  for (const cells of rows) {
    const proof = cells.at(-1)!;
    if (WITHOUT_TEST.test(proof)) continue;
    const named = proof.split(/; (?=`)/);
    for (const entry of named) {
      const [, file, name] = /^`([\w/-]+)` (.+)$/.exec(entry) ?? [];
      const path = join(ROOT, 'test', `${file ?? ''}.test.ts`);
      if (file === undefined || !existsSync(path) || !testNames(path).has(name!)) missing.push(entry);
    }
  }
  assert.deepEqual(missing, []);
});

test('docs/failure-checklist.md has every bug class once, and the conditions', () => {
  const rows = tableRows(readFileSync(join(ROOT, 'docs/failure-checklist.md'), 'utf8'));
  const classes = rows.filter((cells) => cells.length === 4).flatMap(([numbers]) => numbers!.split(', ').map(Number));
  assert.deepEqual(classes.toSorted((a, b) => a - b), Array.from({ length: CLASSES }, (_, i) => i + 1));
  assert.ok(rows.filter((cells) => cells.length === 3).length >= CONDITIONS);
});
