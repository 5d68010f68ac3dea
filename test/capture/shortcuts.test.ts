import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CommitClock } from '../../src/capture/commit-clock.ts';
import { opidTime } from '../../src/capture/opid.ts';
import { scriptIdOf } from '../../src/capture/script-mark.ts';
import { keptCopy } from '../../src/core/kept-copy.ts';
import { KnownBytes } from '../../src/core/known-bytes.ts';

describe('what is remembered or left out gives what the plain way gives', () => {
  it('opids, whatever came before', () => {
    const one = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 1 }), fc.constantFrom('binlog.000001', 'binlog.000002', 'other.1234567'), fc.nat(2 ** 40), fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 0, max: 2 }));
    fc.assert(fc.property(fc.array(one), (asked) => {
      for (const [seconds, threadId, file, offset, ordinal, life] of asked) {
        const number = Number(/\d+$/.exec(file)![0]);
        const sequence = `${life || ''}${String(number).padStart(7, '0')}${String(offset).padStart(11, '0')}${String(ordinal).padStart(6, '0')}`;
        assert.equal(opidTime(seconds, threadId, { file, offset }, ordinal, life), `${seconds}_${threadId}_${sequence}`);
      }
    }));
  });

  it('commit times of stated seconds', () => {
    const step = fc.tuple(fc.nat(5), fc.nat(5_000_000), fc.option(fc.nat(5_000_000)));
    fc.assert(fc.property(fc.array(step), fc.nat(3_000_000), (steps, first) => {
      let now = 0;
      let last = first;
      const clock = new CommitClock(() => now, first);
      for (const [stated, at, exact] of steps) {
        now = at;
        last = exact ?? Math.max(last, Math.min(stated * 1_000_000, now));
        assert.equal(clock.commitTime(exact, stated), last);
      }
    }));
  });

  it('marks of scripts', () => {
    const id = '0123456789abcdef';
    const mark = /^\s*[A-Za-z]+\s*\/\*[! ]\s?999999 binlog-undo:([0-9a-f]{16}) \*\//;
    const piece = fc.constantFrom(' ', '\n', '\xa0', 'UPDATE', 'z', '@', '[', '{', '/*!999999 ', '/* 999999 ', '/*  999999 ', `binlog-undo:${id} */`, '/', '*', ' '.repeat(40));
    fc.assert(fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
      const text = pieces.join('');
      assert.equal(scriptIdOf(Buffer.from(text, 'latin1')), mark.exec(text.slice(0, 100))?.[1] ?? null);
    }), { numRuns: 3000, examples: [[['UPDATE', ' ', '/*!999999 ', `binlog-undo:${id} */`]], [[' ', 'z', '/*  999999 ', `binlog-undo:${id} */`]]] });
  });

  it('copies that share memory', () => {
    fc.assert(fc.property(fc.array(fc.nat(9000), { maxLength: 60 }), (lengths) => {
      const packet = Buffer.alloc(10_000);
      const kept = lengths.map((length, i) => {
        packet.fill(i);
        return keptCopy(packet, i, i + length);
      });
      packet.fill(0xff);
      kept.forEach((copy, i) => assert.ok(copy.equals(Buffer.alloc(lengths[i]!, i))));
    }));
  });

  it('bytes that are known: every one of them counts', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(5), fc.nat(39), (bytes, before, at) => {
      const packet = Buffer.concat([Buffer.alloc(before, 7), bytes, Buffer.alloc(3, 9)]);
      const end = before + bytes.length;
      const known = new KnownBytes(packet, before, end);
      assert.ok(known.are(packet, before, end) && known.bytes.equals(bytes));
      assert.ok(!known.are(packet, before, end + 1) && !known.are(packet, before, end - 1) && !known.are(packet, packet.length, packet.length + bytes.length));
      packet[before + at % bytes.length]! ^= 1;
      assert.ok(!known.are(packet, before, end));
    }));
  });
});
