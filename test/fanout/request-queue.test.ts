import assert from 'node:assert/strict';
import { it } from 'node:test';
import { quietRequestQueues } from '../../src/fanout/request-queue.ts';

it('kafkajs sets no timer while no request waits, and one when some do', () => {
  const logger = { debug: () => undefined, error: () => undefined };
  const Queue = quietRequestQueues();
  const queue = new Queue({
    instrumentationEmitter: null, maxInFlightRequests: 1, requestTimeout: 10_000, enforceRequestTimeout: false, clientId: 'test', broker: 'none:1',
    logger: { namespace: () => logger }, isConnected: () => true,
  });
  queue.checkPendingRequests();
  assert.equal(queue.throttleCheckTimeoutId, null);
  (queue.pending as unknown[]).push({});
  queue.scheduleCheckPendingRequests();
  assert.notEqual(queue.throttleCheckTimeoutId, null);
  clearTimeout(queue.throttleCheckTimeoutId!);
});
