import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const HEAP = join(import.meta.dirname, '..', '..', 'src', 'cli', 'run', 'heap.ts');
const MIB = 1024 * 1024;
/** Bytes of both halves of the young generation, as one doubling may leave them. */
const MOST = 32 * MIB;

/** Makes short-lived objects, of which enough survive that V8 lets the young generation grow, and prints its most. */
const PROGRAM = (bound: boolean): string => `
  import { setImmediate } from 'node:timers/promises';
  import { getHeapSpaceStatistics } from 'node:v8';
  ${bound ? `import { boundHeapGrowth } from ${JSON.stringify(HEAP)}; boundHeapGrowth();` : ''}
  const kept = [];
  let most = 0;
  for (let i = 0; i < 10_000_000; i++) {
    kept[i % 1_000_000] = { at: i, list: [i] };
    if (i % 20_000 > 0) continue;
    await setImmediate();
    most = Math.max(most, getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size);
  }
  console.log(most);`;

async function mostYoung(bound: boolean): Promise<number> {
  // As V8 13 has it by itself; twice that, so that this does not rest on what a version takes for its limit.
  const { stdout } = await promisify(execFile)(process.execPath,
    ['--max-semi-space-size=64', '--import', 'tsx', '--input-type=module', '-e', PROGRAM(bound)], { cwd: join(import.meta.dirname, '..', '..') });
  return Number(stdout);
}

test('the young generation does not grow with what V8 allows', async () => {
  assert.ok(await mostYoung(false) > MOST, 'the program would not show a growth');
  assert.ok(await mostYoung(true) <= MOST);
});
