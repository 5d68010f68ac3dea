import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { AnchorTracker, isAnchor } from '../../src/binlog/anchor.ts';
import { BinlogDecoder } from '../../src/binlog/decoder.ts';
import { EventType } from '../../src/binlog/event-type.ts';

const GIB4 = 2 ** 32;

/** An event without a checksum: header and body. `next` is what the header says, its low 32 bits. */
function event(type: number, body: Buffer, next: number, flags = 0): Buffer {
  const bytes = Buffer.alloc(19 + body.length);
  bytes.writeUInt32LE(1_795_000_000, 0);
  bytes.writeUInt8(type, 4);
  bytes.writeUInt32LE(7, 5);
  bytes.writeUInt32LE(bytes.length, 9);
  bytes.writeUInt32LE(next % GIB4, 13);
  bytes.writeUInt16LE(flags, 17);
  body.copy(bytes, 19);
  return bytes;
}

const rotate = (file: string, offset: number, next = 0, flags = 0x20): Buffer => {
  const body = Buffer.alloc(8 + file.length);
  body.writeBigUInt64LE(BigInt(offset), 0);
  body.write(file, 8);
  return event(EventType.ROTATE, body, next, flags);
};

const xid = (next: number): Buffer => event(EventType.XID, Buffer.alloc(8), next);

function mariadbGtid(next: number): Buffer {
  const body = Buffer.alloc(19);
  body.writeBigUInt64LE(5n, 0);
  return event(EventType.MARIADB_GTID, body, next);
}

function decode(decoder: BinlogDecoder, bytes: Buffer): { start: number; end: number } {
  const { start, end } = decoder.decode(bytes, 0, bytes.length).header;
  return { start, end };
}

test('positions go on beyond 4 GiB, whose header field has 32 bits', () => {
  const start = GIB4 - 40;
  const decoder = new BinlogDecoder('mysql', 'binlog.000001', start);
  const length = xid(0).length;
  for (let at = start, i = 0; i < 5; i++, at += length) {
    assert.deepEqual(decode(decoder, xid(at + length)), { start: at, end: at + length });
  }
  // An event of several GiB away is not possible, but what the server skips may be up to 4 GiB.
  assert.deepEqual(decode(decoder, xid(GIB4 + 3_000_000_000)), { start: GIB4 + 3_000_000_000 - length, end: GIB4 + 3_000_000_000 });
});

test('positions of 8 GiB and more, and of events that state none (MariaDB 11.8 inside transactions)', () => {
  const decoder = new BinlogDecoder('mariadb', 'binlog.000001', 2 * GIB4 + 100);
  const length = xid(0).length;
  assert.deepEqual(decode(decoder, event(EventType.XID, Buffer.alloc(8), 0)), { start: 2 * GIB4 + 100, end: 2 * GIB4 + 100 + length });
  assert.deepEqual(decode(decoder, xid(2 * GIB4 + 100 + 2 * length)), { start: 2 * GIB4 + 100 + length, end: 2 * GIB4 + 100 + 2 * length });
});

test('a GTID start beyond 4 GiB: the first group lies at the checkpoint or behind', () => {
  for (const gib of [1, 2, 3]) {
    const at = gib * GIB4 + 12_345;
    const decoder = new BinlogDecoder('mariadb', '', 4, { file: 'binlog.000009', offset: at });
    decode(decoder, rotate('binlog.000009', 4));
    const length = mariadbGtid(0).length;
    assert.deepEqual(decode(decoder, mariadbGtid(at + length)), { start: at, end: at + length });
    assert.deepEqual(decode(decoder, xid(at + length + xid(0).length)), { start: at + length, end: at + length + xid(0).length });
  }
});

test('a GTID start in another file than the checkpoint takes positions as they are', () => {
  const decoder = new BinlogDecoder('mariadb', '', 4, { file: 'binlog.000009', offset: GIB4 + 5 });
  decode(decoder, rotate('binlog.000010', 4));
  const length = mariadbGtid(0).length;
  assert.deepEqual(decode(decoder, mariadbGtid(300 + length)), { start: 300, end: 300 + length });
});

/** PREVIOUS_GTIDS as rpl_gtid_set.cc writes it. */
function previousGtids(entries: readonly { uuid: string; tag?: string; intervals: readonly (readonly [number, number])[] }[], tagged: boolean): Buffer {
  const u64 = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  const count = BigInt(entries.length);
  const parts = [u64(tagged ? (1n << 56n) | (count << 8n) : count)];
  for (const { uuid, tag = '', intervals } of entries) {
    parts.push(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
    if (tagged) parts.push(Buffer.from([tag.length << 1]), Buffer.from(tag));
    parts.push(u64(BigInt(intervals.length)), ...intervals.flatMap(([first, last]) => [u64(BigInt(first)), u64(BigInt(last + 1))]));
  }
  const body = Buffer.concat(parts);
  return event(EventType.PREVIOUS_GTIDS, body, 19 + body.length);
}

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '4e11fa47-71ca-11e1-9e33-c80aa9429562';

test('PREVIOUS_GTIDS in both of its formats', () => {
  const read = (bytes: Buffer): string => {
    const found = new BinlogDecoder('mysql', 'binlog.000001', 0).decode(bytes, 0, bytes.length);
    return found.kind === 'previousGtids' ? found.gtidSet : `not ${found.kind}`;
  };
  assert.equal(read(previousGtids([], false)), '');
  assert.equal(read(previousGtids([{ uuid: A, intervals: [[1, 5], [8, 8]] }, { uuid: B, intervals: [[1, 1]] }], false)), `${A}:1-5:8,${B}:1`);
  assert.equal(
    read(previousGtids([{ uuid: A, intervals: [[1, 5]] }, { uuid: A, tag: 'night', intervals: [[1, 2]] }, { uuid: B, tag: 'x', intervals: [[3, 3]] }], true)),
    `${A}:1-5:night:1-2,${B}:x:3`);
  assert.throws(() => read(event(EventType.PREVIOUS_GTIDS, Buffer.from('0000000000000002', 'hex'), 27)), { code: 'EVENT_UNSUPPORTED' });
  assert.throws(() => read(event(EventType.PREVIOUS_GTIDS, Buffer.from('0100000000000000', 'hex'), 27)), { code: 'EVENT_CORRUPT' });
});

test('an anchor knows its event again, and no other', () => {
  const tracker = new AnchorTracker(null);
  // Through functions: an assertion on a property would narrow its type for good.
  const anchorOf = (): typeof tracker.anchor => tracker.anchor;
  const decoder = new BinlogDecoder('mysql', 'binlog.000001', 200);
  const note = (bytes: Buffer): void => tracker.note(decoder.decode(bytes, 0, bytes.length));
  note(rotate('binlog.000001', 200));
  assert.equal(anchorOf(), null, 'what the server makes up is no anchor');
  note(xid(200 + xid(0).length));
  const anchor = anchorOf()!;
  const bytes = xid(200 + xid(0).length);
  assert.equal(anchor.crc, crc32(bytes.subarray(0, bytes.length - 4)));
  const again = (changed: Buffer): boolean => isAnchor(new BinlogDecoder('mysql', 'binlog.000001', 200).decode(changed, 0, changed.length).header, anchor);
  assert.ok(again(bytes));
  const other = Buffer.from(bytes);
  other.writeUInt32LE(1, 0);
  assert.ok(!again(other));
  // The position behind a ROTATE lies in the next file; its anchor is the ROTATE in the old one.
  const end = rotate('binlog.000002', 4, anchor.end + 40, 0);
  note(end);
  note(rotate('binlog.000002', 4));
  assert.equal(anchorOf()?.file, 'binlog.000001');
});
