import { createRequire } from 'node:module';
import { UndoError } from '../core/errors.ts';

/** kafkajs's queue of requests to one broker, as far as we touch it. The version is pinned; `quietRequestQueues` checks its shape. */
export interface RequestQueue {
  readonly pending: readonly unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

export type RequestQueueClass = new (options: Readonly<Record<string, unknown>>) => RequestQueue;

const AGAIN_MS = 10;

/**
 * kafkajs 2.2.4 looks for waiting requests each millisecond for ever, also while there are none: its timer is set to a time that
 * lies in the past (measured: 3 % of a processor for a daemon with nothing to do). Here nothing waiting sets no timer; what comes to wait
 * later sets one itself.
 * @throws UndoError INTERNAL when the installed kafkajs is another one.
 */
export function quietRequestQueues(): RequestQueueClass {
  const queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as RequestQueueClass;
  const methods = queue.prototype as RequestQueue | undefined;
  if (typeof methods?.scheduleCheckPendingRequests !== 'function' || typeof methods.checkPendingRequests !== 'function') {
    throw new UndoError('INTERNAL', 'The installed kafkajs is not the version this release was built for.');
  }
  methods.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return;
    const throttled = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    }, throttled > 0 ? throttled : AGAIN_MS);
  };
  return queue;
}
