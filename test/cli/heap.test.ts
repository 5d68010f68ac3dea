import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { CLI } from '../support/daemon.ts';

/** As it is built: compiling on the way would make the young generation grow before it is bound. */
const HEAP = join(dirname(CLI), 'run', 'heap.js');
const MIB = 1024 * 1024;
/** Of each half; less than any supported version of V8 takes by itself. */
const MOST_MIB = 4;

/** Makes short-lived objects, of which enough survive that V8 lets the young generation grow; prints its usual size: V8 13 goes beyond it while it marks. */
const PROGRAM = (bound: boolean): string => `
  import { setImmediate } from 'node:timers/promises';
  import { getHeapSpaceStatistics } from 'node:v8';
  ${bound ? `import { boundYoungGeneration } from ${JSON.stringify(HEAP)}; boundYoungGeneration(${MOST_MIB * MIB});` : ''}
  const kept = [];
  const sizes = [];
  for (let i = 0; i < 10_000_000; i++) {
    kept[i % 1_000_000] = { at: i, list: [i] };
    if (i % 5_000 > 0) continue;
    await setImmediate();
    sizes.push(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size);
  }
  console.log(sizes.sort((a, b) => a - b)[sizes.length >> 1]);
  process.exit();`;

async function usualYoungGeneration(bound: boolean): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM(bound)]);
  return Number(stdout);
}

test('the young generation does not grow to what V8 allows', async () => {
  const free = await usualYoungGeneration(false);
  assert.ok(free > 2 * MOST_MIB * MIB, 'the program would not show a growth');
  // One doubling may come before it is looked.
  const bound = await usualYoungGeneration(true);
  assert.ok(bound <= free / 2, `${bound} against ${free}`);
});
