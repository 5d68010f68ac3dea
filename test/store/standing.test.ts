import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { candidatesAt, standingAt, type DefinitionEntry } from '../../src/store/log-reader.ts';

const place = fc.record({ number: fc.integer({ min: 1, max: 3 }), offset: fc.nat(8) });
const entry = fc.record({ from: place, until: fc.option(place) }).map((bounds): DefinitionEntry => ({ ...bounds, proven: true, replaying: false, definition: null }));

it('how definitions stand is one number wherever the same ones may tell what rows are, and only there', () => {
  fc.assert(fc.property(fc.array(entry, { maxLength: 6 }), fc.array(place, { minLength: 2, maxLength: 12 }), (entries, places) => {
    const found = places.map(({ number, offset }) => {
      const at = { file: `binlog.00000${number}`, offset };
      return { standing: standingAt(entries, at), candidates: JSON.stringify(candidatesAt(entries, at).map((one) => ({ ...one, index: entries.findIndex(({ from, until }) => from === one.from && until === one.until) }))) };
    });
    for (const one of found) for (const other of found) assert.equal(one.standing === other.standing, one.candidates === other.candidates);
  }), { numRuns: 500 });
});
