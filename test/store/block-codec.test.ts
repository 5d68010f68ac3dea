import assert from 'node:assert/strict';
import { it } from 'node:test';
import { brotliCompressSync, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { nativeZstd } from '../../src/core/native-zstd.ts';
import { PACKINGS, packBlock, unpackBlock } from '../../src/store/block-codec.ts';
import { checkFrame, inflateFrame } from '../../src/store/zstd-frame.ts';

const ZSTD = 3;
/** Some that shrink and some that do not, repetitions near and far. */
const raws = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }).map((array) => Buffer.from(array)),
  fc.tuple(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 12 }), fc.array(fc.nat(11), { maxLength: 5000 }))
    .map(([words, order]) => Buffer.concat(order.map((i) => words[i % words.length]!))),
);

/** Packed by Node.js 24: with Huffman codes and sequences; of several blocks, with a window smaller than what they hold. */
const FRAMES = [
  {
    raw: Buffer.from(Array.from({ length: 60 }, (_, i) => `${i},'${(i * 7919) % 1009}','name ${i % 7}'\n`).join('')),
    data: Buffer.from('KLUv/WAnA00MAHZjRxOgpaA5++eqOsh2ExGRzAv5C1cUQwBAAEAAJjyMcUv4DeaScJshd4SXEV0RTmPUDcKn7g64DMQdPNTgCn4yuMetaq7xEgO6xSmYXeJDQdzhcjau8CAIEAAYuIcbAg3EJdwdDA8n7hh+MrhiuA27N7xE5tpwqqNbw0eIXRou4u4MDzOuDD8xuGG4hZE7EF4k5g7hdFNXCB9h94QLiRu14iNEt4pLjbpUPNDdKX5hIK4UN6rBDcVr3AFxqrmD+AzoCuJSdo94GNw14mfjFnELQS4Rr0HJHeI0ga4QH7M6nOwOjI8Ic4dxCUdXGA8kds/43V0zbgMZt4zXiMEl4yRyx/gMbq4Yl5m6wXgwYXdQ/MaIO4qbjHFF8Zp7xWkIOTsgYCNZOCGFIyhBEpSVgyAgKKQcBCWIIAQdgtYLRxBBIyiXkyAnSKRw5Xw5I+Uo5+XoghKEIAjKylE5mOVQcghCUILKUU45CEoQBGXlqBzMcig5BCFBNUFW4Sq8svBJODnISQ7ISURkAg==', 'base64'),
  },
  {
    raw: Buffer.alloc(700_000, '0123456789abcdef words and words '),
    data: Buffer.from('KLUv/YBIYK4KACwBANAwMTIzNDU2Nzg5YWJjZGVmIHdvcmRzIGFuZAIA3P9EZWDdMgZMAAAIcgEA/P85EAJMAAAIZAEA/P85EAJMAAAIcwEA/P85EAJMAAAIdwEA/P85EAJNAAAIZAEAXC4dCAE=', 'base64'),
  },
];

it('what each way packs comes back, and shrinks where the bytes repeat', async () => {
  for (const packing of PACKINGS) {
    await fc.assert(fc.asyncProperty(raws, async (raw) => {
      const packed = await packBlock(raw, packing);
      assert.ok((await unpackBlock(packed)).equals(raw));
      assert.ok(packed.codec === packing.codec || (packed.codec === 0 && packed.data === raw));
      if (packed.codec === ZSTD) assert.ok(inflateFrame(packed.data, raw.length).equals(raw), 'the JavaScript of other versions reads it as well');
    }), { numRuns: 150 });
    for (const { raw } of FRAMES) assert.ok((await packBlock(raw, packing)).data.length < raw.length / 2);
  }
  assert.equal(PACKINGS[0].codec === ZSTD, nativeZstd !== null);
});

it('frames that another version of Node.js packed are read', async () => {
  for (const { raw, data } of FRAMES) {
    assert.ok((await unpackBlock({ codec: ZSTD, rawBytes: raw.length, data })).equals(raw));
    assert.ok(inflateFrame(data, raw.length).equals(raw));
  }
});

it('a block of another length than the ledger says is refused, whatever packed it', async () => {
  for (const { raw, data } of FRAMES) {
    for (const packed of [{ codec: ZSTD, data }, { codec: 2, data: brotliCompressSync(raw) }, { codec: 1, data: deflateSync(raw) }, { codec: 0, data: raw }]) {
      for (const rawBytes of [raw.length - 1, raw.length + 1, 100, 10 * raw.length]) await assert.rejects(unpackBlock({ ...packed, rawBytes }), { code: 'INTERNAL' });
    }
  }
});

it('damaged frames are refused with a code, or give as many bytes as the ledger says', async () => {
  const { raw, data } = FRAMES[0]!;
  for (let length = 0; length < data.length; length++) {
    await assert.rejects(unpackBlock({ codec: ZSTD, rawBytes: raw.length, data: data.subarray(0, length) }), { code: 'INTERNAL' }, `the first ${length} bytes`);
  }
  await assert.rejects(unpackBlock({ codec: ZSTD, rawBytes: raw.length, data: Buffer.concat([data, data]) }), { code: 'INTERNAL' });
  await fc.assert(fc.asyncProperty(fc.nat(data.length - 1), fc.nat(255), async (at, byte) => {
    const damaged = Buffer.from(data);
    damaged[at] = byte;
    const inflated = [
      unpackBlock({ codec: ZSTD, rawBytes: raw.length, data: damaged }),
      (async () => {
        checkFrame(damaged, raw.length);
        return Promise.resolve(inflateFrame(damaged, raw.length));
      })(),
    ];
    for (const [i, result] of (await Promise.allSettled(inflated)).entries()) {
      if (result.status === 'fulfilled') assert.ok(result.value.length <= raw.length);
      else if (i === 0) assert.equal((result.reason as { code: unknown }).code, 'INTERNAL');
    }
  }), { numRuns: 1000 });
});

it('a frame that asks for far more memory than its block is refused before that is taken', async () => {
  const { raw: { length: rawBytes }, data } = FRAMES[0]!;
  // A window of 1 GB; one segment of 1 GB; such a one behind a right frame.
  const wide = Buffer.from('28b52ffd00a00b000061', 'hex');
  const long = Buffer.from('28b52ffda0000000400b000061', 'hex');
  const before = process.memoryUsage().arrayBuffers;
  for (const hostile of [wide, long, Buffer.concat([data, long])]) await assert.rejects(unpackBlock({ codec: ZSTD, rawBytes, data: hostile }), { code: 'INTERNAL' });
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * 1024 * 1024);
});

it('a frame whose data are longer than its block is refused', async () => {
  // A window of 2 KB, and one run of two million bytes.
  const data = Buffer.from('28b52ffd0008fbffff61', 'hex');
  checkFrame(data, 5000);
  assert.throws(() => inflateFrame(data, 5000));
  await assert.rejects(unpackBlock({ codec: ZSTD, rawBytes: 5000, data }), { code: 'INTERNAL' });
});
