import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SqlBuffer } from '../../src/core/sql-buffer.ts';
import { charsetByName } from '../../src/rollback/charsets.ts';
import { writeSigned64, writeUnsigned64, type Emit } from '../../src/rollback/literals/digits.ts';
import { bitEmitter, decimalEmitter, emitDouble, emitFloat, emitIndex, intEmitter } from '../../src/rollback/literals/numbers.ts';
import { datetimeReader, momentEmitter, timeReader, timestampReader } from '../../src/rollback/literals/temporal.ts';
import { emitTextBytes, fixedBinaryEmitter, textEmitter } from '../../src/rollback/literals/text.ts';
import { timestampEmitter } from '../../src/rollback/literals/timestamp.ts';

function emitted(emit: Emit, bytes: Buffer): string {
  const out = new SqlBuffer(4);
  // Neighbours that must not be read.
  const padded = Buffer.concat([Buffer.from([0xa5]), bytes, Buffer.from([0x5a])]);
  emit(out, padded, 1, 1 + bytes.length);
  return out.toString();
}

describe('literals', () => {
  it('writes integers of every size as they are', () => {
    for (const bytes of [1, 2, 3, 4, 8]) {
      const max = 1n << BigInt(8 * bytes);
      fc.assert(fc.property(fc.oneof(fc.bigInt(0n, max - 1n), fc.constantFrom(0n, 1n, max - 1n, max / 2n, max / 2n - 1n)), (value) => {
        const image = Buffer.alloc(8);
        image.writeBigUInt64LE(value);
        const raw = image.subarray(0, bytes);
        assert.equal(emitted(intEmitter(bytes, true), raw), String(value));
        assert.equal(emitted(intEmitter(bytes, false), raw), String(BigInt.asIntN(8 * bytes, value)));
      }));
    }
  });

  it('writes 64 bits exactly from two halves', () => {
    fc.assert(fc.property(fc.bigInt(0n, (1n << 64n) - 1n), (value) => {
      const high = Number(value >> 32n);
      const low = Number(value & 0xffff_ffffn);
      const out = new SqlBuffer(4);
      writeUnsigned64(out, high, low);
      out.byte(32);
      writeSigned64(out, high, low);
      assert.equal(out.toString(), `${value} ${BigInt.asIntN(64, value)}`);
    }), { numRuns: 1000 });
  });

  it('writes doubles and floats so that they read back as the same bits, never as DECIMAL', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const image = Buffer.alloc(8);
      image.writeDoubleLE(value);
      const text = emitted(emitDouble, image);
      assert.match(text, /^-?\d+(\.\d+)?e[-+]?\d+$/);
      assert.ok(Object.is(Number(text), value), text);
    }), { numRuns: 2000 });
    fc.assert(fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const image = Buffer.alloc(4);
      image.writeFloatLE(value);
      assert.ok(Object.is(Number(emitted(emitFloat, image)), value));
    }));
  });

  it('writes packed decimals of every precision and scale', () => {
    const digits = fc.integer({ min: 1, max: 65 }).chain((precision) => fc.tuple(
      fc.constant(precision), fc.integer({ min: 0, max: Math.min(30, precision) }),
      fc.bigInt(-(10n ** BigInt(precision) - 1n), 10n ** BigInt(precision) - 1n),
    ));
    fc.assert(fc.property(digits, ([precision, scale, value]) => {
      assert.equal(emitted(decimalEmitter(precision, scale), packDecimal(value, precision, scale)), decimalText(value, scale));
    }), { numRuns: 2000 });
  });

  it('writes bits and bitmaps', () => {
    assert.equal(emitted(bitEmitter(9), Buffer.from([1, 0x55])), "b'101010101'");
    assert.equal(emitted(bitEmitter(1), Buffer.from([0])), "b'0'");
    assert.equal(emitted(emitIndex, Buffer.from('ffffffffffffffff', 'hex')), '18446744073709551615');
    assert.equal(emitted(emitIndex, Buffer.from([0x2c, 0x01])), '300');
  });

  it('writes times on both sides of zero', () => {
    fc.assert(fc.property(fc.boolean(), fc.nat(838), fc.nat(59), fc.nat(59), fc.nat(999999), (negative, hour, minute, second, micros) => {
      const magnitude = BigInt((hour << 12) | (minute << 6) | second) * 0x100_0000n + BigInt(micros);
      const packed = (negative ? -magnitude : magnitude) + (0x80_0000n << 24n);
      const image = Buffer.from(packed.toString(16).padStart(12, '0'), 'hex');
      const sign = negative && magnitude > 0n ? '-' : '';
      const pad = (value: number, width: number): string => String(value).padStart(width, '0');
      assert.equal(emitted(momentEmitter(timeReader(6), 'time', 6), image), `'${sign}${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}.${pad(micros, 6)}'`);
    }));
  });

  it('writes timestamps as the calendar has them', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 0xffff_ffff }), (seconds) => {
      const image = Buffer.alloc(4);
      image.writeUInt32BE(seconds);
      const expected = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
      assert.equal(emitted(timestampEmitter(timestampReader(0), 0, 'utc'), image), `'${expected}'`);
      assert.equal(emitted(timestampEmitter(timestampReader(0), 0, 'offset'), image), `'${expected}+00:00'`);
      assert.equal(emitted(timestampEmitter(timestampReader(0), 0, 'epoch'), image), `FROM_UNIXTIME(${seconds})`);
    }));
    for (const form of ['utc', 'offset', 'epoch'] as const) {
      assert.equal(emitted(timestampEmitter(timestampReader(3), 3, form), Buffer.alloc(6)), "'0000-00-00 00:00:00.000'");
    }
  });

  it('writes datetimes of any fields, impossible ones too', () => {
    fc.assert(fc.property(fc.nat(9999), fc.nat(12), fc.nat(31), fc.nat(23), fc.nat(59), fc.nat(59), (year, month, day, hour, minute, second) => {
      const packed = 0x80_0000_0000n + ((BigInt(year * 13 + month) << 22n) | (BigInt(day) << 17n) | BigInt((hour << 12) | (minute << 6) | second));
      const image = Buffer.from(packed.toString(16).padStart(10, '0'), 'hex');
      const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
      assert.equal(emitted(momentEmitter(datetimeReader(0), 'both', 0), image), `'${pad(year, 4)}-${pad(month)}-${pad(day)} ${pad(hour)}:${pad(minute)}:${pad(second)}'`);
    }));
  });

  it('puts text between quotes only where every connection reads the same bytes from it', () => {
    for (const name of ['utf8mb4', 'latin1', 'gbk', 'ucs2', 'sjis']) {
      const emit = textEmitter(charsetByName(name)!);
      fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
        const bytes = Buffer.from(array);
        const text = emitted(emit, bytes);
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(text, /[\u0000-\u001f\\\u007f]/);
        assert.deepEqual(readBack(text, name), bytes);
        assert.deepEqual(readBack(emitted(emitTextBytes, bytes), 'binary'), bytes);
      }));
      fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const bytes = Buffer.from(value);
        assert.deepEqual(readBack(emitted(textEmitter(charsetByName('utf8mb4')!), bytes), 'utf8mb4'), bytes);
      }));
    }
  });

  it('gives BINARY(n) its trailing zeros back', () => {
    assert.equal(emitted(fixedBinaryEmitter(4), Buffer.from([1, 2])), "X'01020000'");
    assert.equal(emitted(fixedBinaryEmitter(2), Buffer.alloc(0)), "X'0000'");
  });
});

/** What a server makes of the literal: the quoted text's UTF-8 bytes, or the hex digits behind the introducer. */
function readBack(literal: string, charset: string): Buffer {
  const hex = /^(?:_(\w+) )?X'([0-9A-F]*)'$/.exec(literal);
  if (hex) {
    if (hex[1] !== undefined) assert.equal(hex[1], charset);
    return Buffer.from(hex[2]!, 'hex');
  }
  const quoted = /^'((?:[^']|'')*)'$/s.exec(literal);
  assert.ok(quoted, literal);
  return Buffer.from(quoted[1]!.replaceAll("''", "'"));
}

function decimalText(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const text = scale > 0 ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits;
  return value < 0n ? `-${text}` : text;
}

/** MySQL's decimal2bin, written from its description: groups of nine digits, sign in the first bit, negatives inverted. */
function packDecimal(value: bigint, precision: number, scale: number): Buffer {
  const sizes = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
  const digits = (value < 0n ? -value : value).toString().padStart(precision, '0');
  const whole = digits.slice(0, precision - scale);
  const fraction = digits.slice(precision - scale);
  const groups: string[] = [];
  const lead = whole.length % 9;
  if (lead > 0) groups.push(whole.slice(0, lead));
  for (let i = lead; i < whole.length; i += 9) groups.push(whole.slice(i, i + 9));
  for (let i = 0; i < fraction.length; i += 9) groups.push(fraction.slice(i, i + 9));
  const bytes = Buffer.concat(groups.map((group) => {
    const size = sizes[group.length]!;
    const image = Buffer.alloc(4);
    image.writeUInt32BE(Number(group));
    return image.subarray(4 - size);
  }));
  if (value < 0n) for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i]! ^ 0xff;
  bytes[0] = bytes[0]! ^ 0x80;
  return bytes;
}
