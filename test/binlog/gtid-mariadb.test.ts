import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MariadbGtidPosition } from '../../src/binlog/mariadb-gtid.ts';
import { UndoError } from '../../src/core/errors.ts';

describe('MariadbGtidPosition', () => {
  it('holds one GTID per domain, the last one seen', () => {
    const position = MariadbGtidPosition.parse(' 5-2-7, 0-1-100');
    assert.equal(position.toString(), '0-1-100,5-2-7');
    position.add('0-3-101');
    position.add('9-1-1');
    assert.equal(position.toString(), '0-3-101,5-2-7,9-1-1');
    assert.ok(MariadbGtidPosition.parse('').isEmpty());
    assert.equal(MariadbGtidPosition.parse('').toString(), '');
  });

  it('covers what lies at or before it in the same domain', () => {
    const position = MariadbGtidPosition.parse('0-1-100,5-2-18446744073709551615');
    assert.ok(position.covers('0-9-100') && position.covers('0-1-1') && position.covers('5-2-18446744073709551614'));
    assert.ok(!position.covers('0-1-101') && !position.covers('1-1-1'));
    assert.ok(position.coversAll(MariadbGtidPosition.parse('0-4-99')) && !position.coversAll(MariadbGtidPosition.parse('0-1-1,1-1-1')));
  });

  it('refuses what is no position', () => {
    for (const text of ['x', '0-1', '0-1-2-3', '0-1-2,0-1-3', '4294967296-1-1', '0-4294967296-1', '0-1-18446744073709551616', '0-1-2,', '0-1--2']) {
      assert.throws(() => MariadbGtidPosition.parse(text), (error) => error instanceof UndoError && error.code === 'POSITION_INVALID', text);
    }
  });

  it('agrees with the naive model on any stream', () => {
    const gtid = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(50));
    fc.assert(
      fc.property(fc.array(gtid), gtid, (stream, probe) => {
        const position = new MariadbGtidPosition();
        const model = new Map<number, readonly [number, number, number]>();
        for (const one of stream) {
          position.add(one.join('-'));
          model.set(one[0], one);
        }
        assert.equal(position.toString(), [...model.values()].sort((a, b) => a[0] - b[0]).map((one) => one.join('-')).join(','));
        assert.equal(position.covers(probe.join('-')), (model.get(probe[0])?.[2] ?? -1) >= probe[2]);
        assert.equal(MariadbGtidPosition.parse(position.toString()).toString(), position.toString());
      }),
    );
  });
});
