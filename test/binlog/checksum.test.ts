import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { crc32 } from '../../src/binlog/checksum.ts';

it('the checksum of events of any length is that of zlib', () => {
  assert.equal(crc32(Buffer.from('123456789'), 0, 9), 0xcbf4_3926);
  for (let length = 0; length < 900; length++) {
    const bytes = randomBytes(length + 7);
    assert.equal(crc32(bytes, 3, 3 + length), zlibCrc32(bytes.subarray(3, 3 + length)), `${length} bytes`);
  }
});
