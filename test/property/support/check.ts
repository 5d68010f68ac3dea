import fc from 'fast-check';
import { cases } from './arbitrary.ts';
import type { CaseSpec } from './case.ts';
import { CaseSql } from './sql.ts';
import type { Failure, World } from './world.ts';

/** Each batch costs three scripts and three runs of the stock client, whatever its size. */
const BATCH = 125;
const SHRINK_MS = 60_000;

/**
 * Runs `total` cases in batches. Case i has the seed `seed + i` of its own, so that a failing one is generated and shrunk alone.
 * @throws Error with the seed, the failure and the smallest case that still fails.
 */
export async function checkCases(world: World, seed: number, total: number): Promise<void> {
  const arbitrary = cases(world.traits);
  for (let first = 0; first < total; first += BATCH) {
    const count = Math.min(BATCH, total - first);
    const specs = Array.from({ length: count }, (_, i) => sampleOne(arbitrary, seed + first + i));
    const [failure] = await world.run(specs);
    if (failure) throw new Error(await explain(world, seed + first + failure.index, specs[failure.index]!, failure));
  }
}

function sampleOne(arbitrary: fc.Arbitrary<CaseSpec>, seed: number): CaseSpec {
  return fc.sample(arbitrary, { seed, numRuns: 1 })[0]!;
}

/** Runs the case again by itself, smaller and smaller. */
async function explain(world: World, seed: number, spec: CaseSpec, failure: Failure): Promise<string> {
  const alone = async (candidate: CaseSpec): Promise<void> => {
    const [found] = await world.run([candidate]);
    if (found) throw new Error(`${found.phase}: ${found.detail}`);
  };
  const shrunk = await fc.check(fc.asyncProperty(cases(world.traits), alone), {
    seed, numRuns: 1, interruptAfterTimeLimit: SHRINK_MS, markInterruptAsFailure: false,
  });
  const [smallest] = shrunk.counterexample ?? [spec];
  const sql = new CaseSql(smallest, 'case');
  return [
    `a case did not come back (PROPERTY_SEED=${seed} PROPERTY_CASES=1 runs it alone), ${failure.phase}: ${failure.detail}`,
    shrunk.failed ? `smallest form found in ${shrunk.numShrinks} steps: ${String(shrunk.errorInstance)}` : 'alone it does not fail; as it ran:',
    ...smallest.tables.map((_, index) => sql.create(index, 'as-is')),
    ...[...smallest.prelude, ...smallest.window].flatMap((transaction) => sql.transaction(transaction)),
  ].join('\n');
}
