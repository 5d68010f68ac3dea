import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SqlBuffer } from '../../src/core/sql-buffer.ts';
import { classicDatetimeReader, classicTimeReader, classicTimestampReader } from '../../src/rollback/literals/classic-temporal.ts';
import { momentEmitter } from '../../src/rollback/literals/temporal.ts';
import { timestampEmitter } from '../../src/rollback/literals/timestamp.ts';

/*
 * Row images of MariaDB 11.8.6 and 10.11.18 (the same bytes on both): columns TIMESTAMP(n), DATETIME(n), TIME(n) for n = 0 to 6,
 * created under mysql56_temporal_format=OFF, which only the whole server can be set to.
 */
const IMAGES = [
  {
    hex: '9353006bdb64de686d12000025d8ff6b0053930100a99edfc8bf01cc4ef16b0053930c06a034bdd77811fb15686b005393007b0042420f6a6ab300b3ced60d6b00539304d20296949a282b020706145c7e6b00539300303919e1ce0591ae19463ccb9ce76b00539301e2400102d20c37b0cd0002be5ff42100',
    timestamp: '2026-11-20 14:05:07.123456', datetime: '2026-11-20 14:05:07.123456', time: '-01:02:03.123456',
  },
  {
    hex: '00000000c0d7973b5f1200005a0a80',
    timestamp: '0000-00-00 00:00:00', datetime: '2020-02-31 00:00:00', time: '-838:59:58',
  },
] as const;

describe('temporal columns of the formats before MySQL 5.6', () => {
  it('read as the server showed them', () => {
    for (const image of IMAGES) {
      const b = Buffer.from(image.hex, 'hex');
      let at = 0;
      for (let digits = 0; digits <= 6 && at + 15 <= b.length; digits++) {
        const sizes = [4 + ((digits + 1) >> 1), [8, 6, 6, 7, 7, 7, 8][digits]!, [3, 4, 4, 5, 5, 5, 6][digits]!];
        const emits = [
          timestampEmitter(classicTimestampReader(digits), digits, 'utc'),
          momentEmitter(classicDatetimeReader(digits), 'both', digits),
          momentEmitter(classicTimeReader(digits), 'time', digits),
        ];
        const cut = (text: string): string => (digits === 0 ? text.replace(/\..*/, '') : text.slice(0, text.indexOf('.') + 1 + digits));
        const expected = [image.timestamp, image.datetime, image.time].map(cut);
        emits.forEach((emit, i) => {
          const out = new SqlBuffer(64);
          emit(out, b, at, at + sizes[i]!);
          at += sizes[i]!;
          assert.equal(out.toString(), `'${expected[i]!}'`, `${digits} digits`);
        });
      }
    }
  });
});
