import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinlogStream } from '../../src/source/stream.ts';
import { replicaIdentity } from '../../src/source/replica-identity.ts';
import { connect } from '../support/any-server.ts';
import { FaultProxy } from '../support/proxy.ts';
import { binlogEnd } from '../support/scene.ts';
import { source } from '../support/servers.ts';
import { until } from '../support/until.ts';

const HEARTBEAT_SECONDS = 1;
/** A running stream may be silent for so long. */
const SILENCE_MS = 3 * HEARTBEAT_SECONDS * 1000;
/** Of every answer of the server: less than that, and all answers before the first event together are more. */
const LATENCY_MS = 1000;

for (const flavour of ['mysql', 'mariadb'] as const) {
  test(`${flavour}: B3.27 a server that searches long before its first event is waited for; silence after it ends the stream`, async () => {
    const server = source(flavour);
    await using proxy = await FaultProxy.open(server);
    const control = await connect(server);
    const position = await binlogEnd(control);
    await control.end();
    proxy.fault = { kind: 'latency', milliseconds: LATENCY_MS };
    let events = 0;
    const began = performance.now();
    const stream = new BinlogStream({
      endpoint: { role: 'source', host: proxy.host, port: proxy.port, user: server.user, password: () => server.password, tls: null },
      flavour, identity: replicaIdentity(`seek ${proxy.port}`, null), start: { filename: position.file, position: position.offset },
      heartbeatSeconds: HEARTBEAT_SECONDS, toEnd: false,
      onEvent: () => {
        events++;
        proxy.fault = { kind: 'none' };
      },
    });
    const over: { error: unknown } = { error: null };
    stream.ended.catch((error: unknown) => {
      over.error = error;
    });
    const ended = (): boolean => over.error !== null;
    await until('the first event', () => events > 0 || ended());
    assert.equal(over.error, null, String(over.error));
    assert.ok(performance.now() - began > SILENCE_MS, 'the first event came too early to prove anything');
    // An idle server tells that it is there.
    const idle = performance.now() + 2 * SILENCE_MS;
    await until('two periods more', () => performance.now() > idle || ended());
    assert.equal(over.error, null, String(over.error));
    proxy.fault = { kind: 'blackHole' };
    await until('the silence is noticed', ended);
    await assert.rejects(stream.ended, { code: 'STREAM_SILENT' });
    await stream.close();
  });
}
