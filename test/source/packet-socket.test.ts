import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { it } from 'node:test';
import { PacketSocket } from '../../src/source/packet-socket.ts';

const LARGEST = 0xff_ffff;

/** A server that sends these bytes in pieces of these lengths, one after the other and again from the first. */
async function sending(bytes: Buffer, pieces: readonly number[]): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    void (async (): Promise<void> => {
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const piece = bytes.subarray(at, (at += pieces[i % pieces.length]!));
        await new Promise((sent) => socket.write(piece, sent));
      }
      socket.end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** Packets of these lengths; each byte tells the packet that it belongs to. */
function packets(lengths: readonly number[]): Buffer {
  return Buffer.concat(lengths.flatMap((length, i) => {
    const head = Buffer.alloc(4);
    head.writeUIntLE(length, 0, 3);
    head.writeUInt8(i & 0xff, 3);
    return [head, Buffer.alloc(length, i & 0xff)];
  }));
}

function lengthsIn(chunk: Buffer): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < chunk.length; at += 4 + lengths.at(-1)!) lengths.push(chunk.readUIntLE(at, 3));
  return lengths;
}

it('whole packets arrive in order, whatever pieces they come in, and stay while the socket is paused', async () => {
  const lengths = Array.from({ length: 3000 }, (_, i) => (i * 7919) % 900 + (i % 500 === 0 ? 1_500_000 : 0));
  const sent = packets(lengths);
  const server = await sending(sent, [1, 2, 3, 4, 5, 70_000, 11, 200_000, 1_000_000]);
  const reader = new PacketSocket('127.0.0.1', server.port);
  reader.lend();
  let at = 0;
  let seen = 0;
  reader.socket.on('data', (chunk: Buffer) => {
    const from = at;
    at += chunk.length;
    assert.equal(lengthsIn(chunk).reduce((sum, length) => sum + 4 + length, 0), chunk.length, 'a chunk ends with a packet');
    assert.ok(chunk.equals(sent.subarray(from, at)));
    if (seen++ % 3 !== 0) return;
    reader.socket.pause();
    setImmediate(() => {
      assert.ok(chunk.equals(sent.subarray(from, from + chunk.length)), 'what waits is not overwritten');
      reader.socket.resume();
    });
  });
  await once(reader.socket, 'close');
  server.close();
  assert.equal(at, sent.length);
});

it('before it lends, and for packets that go on in the next one, what it gave stays', async () => {
  const first = packets([10, 20_000, 30]);
  const sent = Buffer.concat([first, packets([5, LARGEST, LARGEST, 100, 7, 8])]);
  const server = await sending(sent, [first.length, 64 * 1024]);
  const reader = new PacketSocket('127.0.0.1', server.port);
  const kept: { readonly chunk: Buffer; readonly from: number }[] = [];
  let at = 0;
  reader.socket.on('data', (chunk: Buffer) => {
    const large = at >= first.length && lengthsIn(chunk).includes(LARGEST);
    if (at < first.length || large) kept.push({ chunk, from: at });
    at += chunk.length;
    if (at >= first.length) reader.lend();
  });
  await once(reader.socket, 'close');
  server.close();
  assert.equal(at, sent.length);
  assert.ok(kept.length >= 2);
  for (const { chunk, from } of kept) assert.ok(chunk.equals(sent.subarray(from, from + chunk.length)));
});

it('a connection that fails says so', async () => {
  // Nobody listens on port 1.
  const reader = new PacketSocket('127.0.0.1', 1);
  const [error] = await once(reader.socket, 'error') as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
});
