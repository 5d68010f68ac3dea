import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { FaultProxy } from './proxy.ts';

test('what a server has sent before it closes reaches a client that reads it late', async () => {
  const sent = Buffer.alloc(50_000, 'x');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(sent);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await using proxy = await FaultProxy.open({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, user: '', password: '' });
    const client = connect({ host: proxy.host, port: proxy.port });
    await pause(200);
    const received: Buffer[] = [];
    for await (const chunk of client) received.push(chunk as Buffer);
    assert.equal(Buffer.concat(received).length, sent.length);
  } finally {
    server.close();
  }
});
