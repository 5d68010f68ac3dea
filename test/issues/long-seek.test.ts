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
const HOUR_MS = 3_600_000;

/** A stream from the binlog's end through the proxy. */
class Watched implements AsyncDisposable {
  readonly stream: BinlogStream;
  readonly #began = performance.now();
  events = 0;
  error: unknown = null;

  private constructor(flavour: 'mysql' | 'mariadb', proxy: FaultProxy, position: { file: string; offset: number }, first: () => void) {
    this.stream = new BinlogStream({
      endpoint: { role: 'source', host: proxy.host, port: proxy.port, user: proxy.user, password: () => proxy.password, tls: null },
      flavour, identity: replicaIdentity(`seek ${proxy.port}`, null), start: { filename: position.file, position: position.offset },
      heartbeatSeconds: HEARTBEAT_SECONDS, toEnd: false,
      onEvent: () => {
        if (this.events++ === 0) first();
      },
    });
    this.stream.ended.catch((error: unknown) => {
      this.error = error;
    });
  }

  static async open(flavour: 'mysql' | 'mariadb', proxy: FaultProxy, first: () => void = () => undefined): Promise<Watched> {
    const control = await connect(source(flavour));
    const position = await binlogEnd(control);
    await control.end();
    return new Watched(flavour, proxy, position, first);
  }

  /** Milliseconds. */
  get age(): number {
    return performance.now() - this.#began;
  }

  /** Waits until that is so, or the stream is over, which it must not be. */
  async runsUntil(what: string, so: () => boolean): Promise<void> {
    await until(what, () => so() || this.error !== null);
    assert.equal(this.error, null, String(this.error));
  }

  async endsInSilence(): Promise<void> {
    await until('the silence is noticed', () => this.error !== null);
    await assert.rejects(this.stream.ended, { code: 'STREAM_SILENT' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stream.close();
  }
}

for (const flavour of ['mysql', 'mariadb'] as const) {
  test(`${flavour}: B3.27 a server that searches long before its first event is waited for; silence after it ends the stream`, async () => {
    await using proxy = await FaultProxy.open(source(flavour));
    proxy.fault = { kind: 'latency', milliseconds: LATENCY_MS };
    // Only of the first event: one that was under way when the black hole opened must not close it.
    await using watched = await Watched.open(flavour, proxy, () => {
      proxy.fault = { kind: 'none' };
    });
    await watched.runsUntil('the first event', () => watched.events > 0);
    assert.ok(watched.age > SILENCE_MS, 'the first event came too early to prove anything');
    // An idle server tells that it is there.
    const idle = performance.now() + 2 * SILENCE_MS;
    await watched.runsUntil('two periods more', () => performance.now() > idle);
    proxy.fault = { kind: 'blackHole' };
    await watched.endsInSilence();
  });

  test(`${flavour}: a clock that is set forward or back is not taken for silence, and hides none`, async (t) => {
    await using proxy = await FaultProxy.open(source(flavour));
    await using watched = await Watched.open(flavour, proxy);
    await watched.runsUntil('the first event', () => watched.events > 0);
    // Set again with each look at it.
    let clock = Date.now();
    let step = HOUR_MS;
    t.mock.method(Date, 'now', () => (clock += step));
    const idle = performance.now() + SILENCE_MS;
    await watched.runsUntil('a period with the clock set forward', () => performance.now() > idle);
    step = -HOUR_MS;
    proxy.fault = { kind: 'blackHole' };
    await watched.endsInSilence();
  });
}
