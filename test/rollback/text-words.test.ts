import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sameBytes } from '../../src/core/byte-view.ts';
import { SqlBuffer } from '../../src/core/sql-buffer.ts';
import { charsetByName } from '../../src/rollback/charsets.ts';
import type { Emit } from '../../src/rollback/literals/digits.ts';
import { emitTextBytes, textEmitter } from '../../src/rollback/literals/text.ts';

/** The rule of text literals, one byte after the other. */
function quoted(bytes: Buffer, utf8: boolean): string | null {
  const outside = bytes.some((byte) => byte >= 0x80);
  if (bytes.some((byte) => byte < 0x20 || byte === 0x7f || byte === 0x5c) || (outside && !(utf8 && isUtf8(bytes)))) return null;
  return `'${bytes.toString('latin1').replaceAll("'", "''")}'`;
}

const hex = (bytes: Buffer): string => `X'${bytes.toString('hex').toUpperCase()}'`;

const FORMS: readonly { readonly name: string; readonly emit: Emit; readonly expected: (bytes: Buffer) => string }[] = [
  { name: 'utf8mb4', emit: textEmitter(charsetByName('utf8mb4')!), expected: (bytes) => quoted(bytes, true) ?? `_utf8mb4 ${hex(bytes)}` },
  { name: 'latin1', emit: textEmitter(charsetByName('latin1')!), expected: (bytes) => quoted(bytes, false) ?? `_latin1 ${hex(bytes)}` },
  { name: 'bytes', emit: emitTextBytes, expected: (bytes) => quoted(bytes, false) ?? hex(bytes) },
];

/** Text is read in words of four bytes: what stands before and behind it must not matter. */
function check(bytes: Buffer, shift: number): void {
  const image = Buffer.concat([Buffer.alloc(shift, 0x27), bytes, Buffer.alloc(5, 0x5c)]);
  for (const { name, emit, expected } of FORMS) {
    const out = new SqlBuffer(3);
    out.text('.'.repeat(shift));
    emit(out, image, shift, shift + bytes.length);
    assert.equal(out.bytes.toString('latin1', shift, out.length), expected(bytes), `${name} of ${bytes.toString('hex')}`);
  }
}

describe('text is written four bytes at a time', () => {
  it('as byte by byte, with every byte at every place of a word', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (let place = 0; place < 11; place++) {
        const bytes = Buffer.from('abcdefghijk');
        bytes[place] = byte;
        check(bytes, place & 3);
      }
    }
  });

  it('as byte by byte, with every pair of neighbours', () => {
    const image = Buffer.from('abcd');
    for (let high = 0; high < 256; high++) {
      for (let low = 0; low < 256; low += high % 3 === 0 ? 1 : 7) {
        image[1] = low;
        image[2] = high;
        check(image, 0);
      }
    }
  });

  it('as byte by byte, for text of any length and kind', () => {
    const piece = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[a-z' -]*$/), fc.constantFrom("'", "''''", '\\', '\0', '\x7f', 'é', '日本', '\u{1f600}'));
    const text = fc.oneof(fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.from(pieces.join(''))), fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));
    fc.assert(fc.property(text, fc.nat(7), (bytes, shift) => check(bytes, shift)), { numRuns: 3000 });
  });
});

describe('values are compared four bytes at a time', () => {
  it('and a difference is seen at any place, and none behind the end', () => {
    for (let count = 0; count < 40; count++) {
      const image = Buffer.concat([Buffer.from('..'), Buffer.alloc(count, 7), Buffer.from('x'), Buffer.alloc(count, 7), Buffer.from('y')]);
      const [s, t] = [2, 3 + count];
      assert.ok(sameBytes(image, s, t, count));
      for (let place = 0; place < count; place++) {
        image[t + place] = 135;
        assert.ok(!sameBytes(image, s, t, count), `byte ${place} of ${count}`);
        image[t + place] = 7;
      }
    }
  });
});
