import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GtidSet } from '../../src/binlog/gtid-set.ts';
import { UndoError } from '../../src/core/errors.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '2c256447-3f0d-431b-9a25-bddf1f1f6ef6';

/** The naive model: every GTID by itself. Few origins and small numbers, so that intervals meet. */
const origin = fc.constantFrom(A, B, `${A}:tag_a`, `${A}:z`);
const gtid = fc.tuple(origin, fc.integer({ min: 1, max: 30 })).map(([from, number]) => `${from}:${number}`);
const gtids = fc.array(gtid, { maxLength: 60 });

function setOf(list: readonly string[]): GtidSet {
  const set = new GtidSet();
  for (const one of list) set.add(one);
  return set;
}

const EVERY = [A, B, `${A}:tag_a`, `${A}:z`].flatMap((from) => Array.from({ length: 32 }, (_, i) => `${from}:${i + 1}`));

function assertHolds(set: GtidSet, model: ReadonlySet<string>): void {
  assert.deepEqual(EVERY.filter((one) => set.contains(one)), EVERY.filter((one) => model.has(one)));
  assert.equal(set.isEmpty(), model.size === 0);
}

describe('GtidSet', () => {
  it('prints as the server does', () => {
    const canonical: readonly (readonly [string, string])[] = [
      ['', ''], [` ${A}:1 `, `${A}:1`], [`${A.toUpperCase()}:1-5:6:9-9`, `${A}:1-6:9`], [`${A}:5:1-3`, `${A}:1-3:5`],
      [`${A}:1-3,\n${B}:7`, `${B}:7,${A}:1-3`], [`${A}:1,${A}:3-4,${A}:2`, `${A}:1-4`], [`${A}:1-5:tag_a:2:Z:1-2`, `${A}:1-5:tag_a:2:z:1-2`],
      [`${A}:tag_a:1`, `${A}:tag_a:1`], [`${A}:tag_a:1,${A}:4`, `${A}:4:tag_a:1`], [`${A}:1-9223372036854775806`, `${A}:1-9223372036854775806`], [`,${A}:1,`, `${A}:1`],
    ];
    for (const [text, expected] of canonical) assert.equal(GtidSet.parse(text).toString(), expected);
  });

  it('refuses what is no GTID set', () => {
    for (const text of ['x', A, `${A}:`, `${A}:0`, `${A}:3-2`, `${A}:1-2-3`, `${A}:tag_a`, `${A}:1:tag_a`, `${A}:9223372036854775807`, 'binlog.000001:4', `${A}:-1`, '0-1-2']) {
      assert.throws(() => GtidSet.parse(text), (error) => error instanceof UndoError && error.code === 'POSITION_INVALID', text);
    }
    for (const text of ['', A, `${A}:1-2`, `${A}:tag:a:1`, `${A}:1:2`]) assert.throws(() => setOf([text]), UndoError, text);
  });

  it('keeps numbers beyond 2^53 exact', () => {
    const set = setOf([`${A}:9007199254740993`]);
    assert.equal(set.contains(`${A}:9007199254740992`), false);
    set.add(`${A}:9007199254740992`);
    assert.equal(set.toString(), `${A}:9007199254740992-9007199254740993`);
  });

  it('agrees with the naive model', () => {
    fc.assert(
      fc.property(gtids, gtids, (left, right) => {
        const [a, b, ma, mb] = [setOf(left), setOf(right), new Set(left), new Set(right)];
        assertHolds(a, ma);
        assertHolds(a.union(b), new Set([...left, ...right]));
        assertHolds(a.subtract(b), new Set(left.filter((one) => !mb.has(one))));
        assertHolds(a, ma);
        assert.equal(a.contains(b), right.every((one) => ma.has(one)));
        assert.equal(a.equals(b), a.toString() === b.toString());
        assert.equal(GtidSet.parse(a.toString()).toString(), a.toString());
        assert.equal(setOf([...left].reverse()).toString(), a.toString());
      }),
      { numRuns: 500 },
    );
  });

  it('obeys set algebra', () => {
    fc.assert(
      fc.property(gtids, gtids, gtids, (x, y, z) => {
        const [a, b, c] = [setOf(x), setOf(y), setOf(z)];
        assert.ok(a.union(b).equals(b.union(a)));
        assert.ok(a.union(b).subtract(c).equals(a.subtract(c).union(b.subtract(c))));
        assert.ok(a.subtract(b).subtract(c).equals(a.subtract(b.union(c))));
        assert.ok(a.subtract(a).isEmpty());
        assert.ok(a.union(b).contains(a) && a.contains(a.subtract(b)));
      }),
    );
  });
});
