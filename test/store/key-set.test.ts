import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { KeyCollector, type RowKeys } from '../../src/store/key-collector.ts';
import { packKeySet, unpackKeySet } from '../../src/store/key-set.ts';
import type { RowsEvent } from '../../src/binlog/types.ts';

const hash = fc.nat(0xffff_ffff);
const list = fc.record({ whole: fc.boolean(), columns: fc.array(fc.nat(4095), { maxLength: 16 }) }, { noNullPrototype: true });

it('a key set gives back what was put in', () => {
  fc.assert(fc.property(hash, fc.array(list, { maxLength: 20 }), fc.array(hash), (mark, lists, hashes) => {
    const set = unpackKeySet(packKeySet({ mark, lists, hashes: Uint32Array.from(hashes) }));
    assert.deepEqual({ ...set, hashes: [...set.hashes] }, { mark, lists, hashes });
  }));
});

it('a key set that was cut is refused', () => {
  const packed = packKeySet({ mark: 7, lists: [{ whole: false, columns: [0, 3] }], hashes: Uint32Array.from([1, 2]) });
  for (let length = 0; length < packed.length; length++) {
    if (length >= packed.length - 8 && (packed.length - length) % 4 === 0) continue;
    assert.throws(() => unpackKeySet(packed.subarray(0, length)), { code: 'INTERNAL' });
  }
});

interface Change { readonly table: number; readonly keys: number; readonly before: readonly number[] | null; readonly after: readonly number[] | null }

const images = fc.array(fc.oneof(hash, fc.constant(-1), fc.nat(3)), { minLength: 2, maxLength: 2 });
const change: fc.Arbitrary<Change> = fc.record({
  table: fc.nat(2), keys: fc.nat(2), before: fc.option(images), after: fc.option(images),
});

it('the sets of a block hold every key of every row of every table, once, and nothing of the block before', () => {
  fc.assert(fc.property(fc.array(fc.array(change), { minLength: 1, maxLength: 4 }), (blocks) => {
    let now: Change | null = null;
    // Of three kinds of rows the last has no known keys; each of the others has a definition of its own.
    const readers = [0, 1].map((mark): RowKeys => ({
      mark, lists: [{ whole: false, columns: [mark] }, { whole: false, columns: [9] }],
      read: (_rows, each) => {
        each(now!.before && Float64Array.from(now!.before), now!.after && Float64Array.from(now!.after));
        return true;
      },
    }));
    const collector = new KeyCollector(() => readers[now!.keys] ?? null);
    for (const block of blocks) {
      for (now of block) collector.add('s', `t${now.table}`, Buffer.alloc(0), {} as RowsEvent);
      const sealed = collector.take().map(({ table, data }) => ({ table, ...unpackKeySet(data) }));
      for (const table of new Set(block.map((one) => one.table))) {
        const own = sealed.filter((set) => set.table === `t${table}`);
        const changes = block.filter((one) => one.table === table);
        assert.equal(own.some(({ lists }) => lists.length === 0), changes.some(({ keys }) => keys === 2), 'what is not known is said');
        for (const mark of [0, 1]) {
          const wanted = new Set(changes.filter(({ keys }) => keys === mark).flatMap(({ before, after }) => [...before ?? [], ...after ?? []]).filter((one) => one >= 0));
          const found = own.filter((set) => set.lists.length > 0 && set.mark === mark);
          assert.deepEqual(new Set(found.flatMap(({ hashes }) => [...hashes])), wanted);
          for (const { hashes } of found) assert.ok(hashes.every((one, i) => i === 0 || one > hashes[i - 1]!), 'ascending, each once');
        }
      }
      assert.equal(new Set(sealed.map(({ table }) => table)).size, new Set(block.map((one) => one.table)).size, 'a table without rows has no set');
    }
  }));
});
