import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UndoError } from '../../src/core/errors.ts';
import { sources } from '../support/servers.ts';
import { makeCorpus } from './corpus.ts';
import { DecodePath } from './decode-path.ts';
import { mutate, Randomness } from './event-bytes.ts';

/** Of each server, so that all of them together make 200,000. */
const EVENTS = Number(process.env.FUZZ_EVENTS ?? Math.ceil(200_000 / sources().length));
// As the property test: the short form is the same every time, a soak looks for new ones.
const SEED = Number(process.env.FUZZ_SEED ?? (process.env.FUZZ_EVENTS === undefined ? 20261120 : Math.floor(Math.random() * 1_000_000_000)));
const MEGABYTE = 1 << 20;

for (const source of sources()) describe(`mutated binlog events of ${source.kind}`, () => {
  it(`give an error or a gap, nothing else: ${EVENTS} of them, seed ${SEED}`, async (context) => {
    const corpus = await makeCorpus(source);
    const path = new DecodePath(source.flavour, corpus);
    for (const [index, group] of corpus.groups.entries()) {
      const { error, gaps } = await path.run(group);
      assert.deepEqual([error, gaps], [null, 0], `group ${index} as the server wrote it: ${String(error)}`);
    }
    const before = process.memoryUsage.rss();
    let errors = 0;
    let gaps = 0;
    let rendered = 0;
    for (let i = 0; i < EVENTS; i++) {
      // Each has a seed of its own, so that it can be run alone.
      const random = new Randomness(SEED + i);
      const group = corpus.groups[random.below(corpus.groups.length)]!;
      const place = random.below(group.length);
      const events = group.map((event, index) => (index === place ? mutate(event, random) : event));
      const outcome = await path.run(events);
      const bytes = events.reduce((sum, event) => sum + event.length, 0);
      const what = (): string => `FUZZ_SEED=${SEED + i} FUZZ_EVENTS=1: event type ${group[place]![4]!}, ${events[place]!.toString('hex').slice(0, 2000)}`;
      if (outcome.error !== null) {
        errors++;
        const known = outcome.error instanceof UndoError && outcome.error.code !== 'INTERNAL';
        assert.ok(known, `${what()}\n${outcome.error.stack ?? ''}`);
      }
      if (outcome.gaps > 0) gaps++;
      rendered += outcome.sql;
      // Hex doubles, both images of an update are written out, numbers and names add a constant a value.
      assert.ok(outcome.sql < 200_000 + 400 * bytes, `${outcome.sql} bytes of SQL from ${bytes}: ${what()}`);
    }
    const grown = (process.resourceUsage().maxRSS * 1024 - before) / MEGABYTE;
    context.diagnostic(`${EVENTS} mutated events of ${corpus.groups.length} groups: ${errors} errors, ${gaps} gaps, ${(rendered / MEGABYTE).toFixed(0)} MB of SQL, memory grew by ${grown.toFixed(0)} MB at most`);
    assert.ok(grown < 512, `memory grew by ${grown.toFixed(0)} MB`);
  });
});
