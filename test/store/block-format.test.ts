import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { packBlock, unpackBlock } from '../../src/store/block-codec.ts';
import { BlockBuilder, readBlock } from '../../src/store/block-format.ts';

const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
const record = fc.record({
  tag: fc.oneof(fc.nat(2), fc.nat(0xffff_ffff)), operation: fc.nat(0xffff_ffff), map: fc.nat(3), type: fc.nat(255), offset: fc.nat(2 ** 48 - 1), body: bytes, lead: fc.nat(20),
  statement: fc.option(bytes),
});

it('a block gives back what was put in, in order, packed or not', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.array(record, { maxLength: 12 }), { minLength: 1, maxLength: 3 }), fc.array(bytes, { minLength: 4, maxLength: 4 }), async (blocks, maps) => {
    // One builder makes all blocks: nothing of one may be left in the next.
    const builder = new BlockBuilder();
    for (const records of blocks) {
      for (const { tag, operation, map, type, offset, body, lead, statement } of records) {
        if (statement) builder.statement(tag, operation, statement);
        const packet = Buffer.concat([Buffer.alloc(lead, 0xee), body, Buffer.alloc(3, 0xdd)]);
        builder.rows(tag, operation, maps[map]!, type, offset, packet, lead, lead + body.length);
      }
      const raw = builder.take();
      assert.equal(builder.bytes, 0);
      const packed = await packBlock(raw);
      const read = readBlock(await unpackBlock(packed));
      assert.deepEqual(
        read.rows.map((row) => ({ tag: row.tag, operation: row.operation, map: row.tableMap.toString('hex'), type: row.type, offset: row.offset, body: read.bytes.toString('hex', row.start, row.end) })),
        records.map(({ tag, operation, map, type, offset, body }) => ({ tag, operation, map: maps[map]!.toString('hex'), type, offset, body: body.toString('hex') })));
      for (const tag of new Set([0, ...records.map((one) => one.tag)])) assert.deepEqual(read.rowsOf(tag), read.rows.filter((row) => row.tag === tag));
      assert.deepEqual(
        read.statements.map(({ tag, operation, text }) => ({ tag, operation, text: text.toString('hex') })),
        records.filter(({ statement }) => statement).map(({ tag, operation, statement }) => ({ tag, operation, text: statement!.toString('hex') })));
    }
  }), { numRuns: 60 });
});

it('blocks of every kind of bytes come back while their buffers are used again', async () => {
  const builder = new BlockBuilder();
  const random = (length: number): Buffer => randomBytes(length);
  const kinds: readonly ((length: number) => Buffer)[] = [
    random, (length) => Buffer.alloc(length, 'the same words again and again, '), (length) => Buffer.from(random(length).map((byte) => 48 + byte % 10)),
  ];
  for (let round = 0; round < 9; round++) {
    // The last of each three is larger than any buffer that is kept.
    const body = kinds[round % 3]!(round > 5 ? 3_000_000 : 300_000);
    const count = round > 5 ? 1 : 4;
    for (let i = 0; i < count; i++) builder.rows(round, i, Buffer.from('map'), 30, 4, body, 0, body.length);
    const raw = builder.take();
    const packed = await packBlock(raw);
    // What does not shrink is handed on as it is, and must not be given back yet.
    if (packed.data !== raw) builder.giveBack(raw);
    builder.rows(1, 1, Buffer.from('other'), 30, 4, Buffer.alloc(1_000_000, 0xff), 0, 1_000_000);
    builder.giveBack(builder.take());
    const read = readBlock(await unpackBlock(packed));
    assert.equal(read.rows.length, count);
    for (const { start, end } of read.rows) assert.ok(read.bytes.subarray(start, end).equals(body), `round ${round}`);
  }
});

it('blocks that were packed with zlib, as before, are read', async () => {
  const raw = Buffer.alloc(5000, 'words and words ');
  const read = await unpackBlock({ codec: 1, rawBytes: raw.length, data: deflateSync(raw, { level: 1 }) });
  assert.ok(read.equals(raw));
  await assert.rejects(unpackBlock({ codec: 1, rawBytes: raw.length - 1, data: deflateSync(raw) }));
  await assert.rejects(unpackBlock({ codec: 9, rawBytes: raw.length, data: raw }), { code: 'INTERNAL' });
});

it('a block that was cut or changed is refused, never read as something else', () => {
  const builder = new BlockBuilder();
  builder.rows(1, 1, Buffer.from('map'), 30, 4, Buffer.from('body'), 0, 4);
  const raw = builder.take();
  for (let length = 1; length < raw.length; length++) {
    // A cut between two records leaves a shorter block; the length beside it in the ledger tells (unpackBlock).
    const whole = length === 5 + 3;
    if (whole) assert.equal(readBlock(raw.subarray(0, length)).rows.length, 0);
    else assert.throws(() => readBlock(raw.subarray(0, length)));
  }
  raw[0] = 9;
  assert.throws(() => readBlock(raw), { code: 'INTERNAL' });
});
