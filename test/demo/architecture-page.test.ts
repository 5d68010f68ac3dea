import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { ledgerStatements } from '../../src/store/ledger-schema.ts';
import { ARROWS } from '../architecture/rules.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/architecture.md'), 'utf8');

/** The body rows of the table below a heading, as cells. */
function table(heading: string): string[][] {
  const section = page.slice(page.indexOf(`\n## ${heading}\n`));
  const lines = section.slice(section.indexOf('\n|---') + 1).split('\n').slice(1);
  return lines.slice(0, lines.findIndex((line) => !line.startsWith('|'))).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}

const names = (cell: string): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '');

it('docs/architecture.md shows the rooms and arrows that the rules enforce', () => {
  const rooms = Object.keys(ARROWS);
  const shown = Object.fromEntries(table('The rooms and the arrows').map(([room = '', targets = '']) => [
    names(room)[0] ?? '', targets === 'all of them' ? rooms.filter((other) => other !== 'cli').sort() : names(targets).sort(),
  ]));
  assert.deepEqual(shown, Object.fromEntries(Object.entries(ARROWS).map(([room, targets]) => [room, [...targets].sort()])));
});

it('docs/architecture.md names every table of the ledger', () => {
  const tables = ledgerStatements('x').map((statement) => /EXISTS `x`\.`(\w+)`/.exec(statement)?.[1] ?? statement);
  assert.deepEqual(table('The ledger').map(([cell = '']) => names(cell)[0]).sort(), tables.sort());
});
