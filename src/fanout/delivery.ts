import { Worker } from 'node:worker_threads';
import { UndoError, reasonOf } from '../core/errors.ts';
import type { DeliveryEvents } from './deliver.ts';
import type { DeliveryOrder, FromDelivery, ToDelivery } from './delivery-order.ts';
import { fullFailure } from './plain-failure.ts';

/** One delivery in a thread of its own: it ends with the first failure, or when it is told to. */
export class Delivery {
  readonly #thread: Worker;
  /** Resolves when it was stopped. Rejects with what went wrong: an UndoError, or an error of the backup server's driver. */
  readonly ended: Promise<void>;

  constructor(order: DeliveryOrder, events: DeliveryEvents) {
    // The compiled file beside this one.
    this.#thread = new Worker(new URL('./delivery-thread.js', import.meta.url), { workerData: order, stdin: false });
    const thread = this.#thread;
    this.ended = new Promise((resolve, reject) => {
      let failure: Error | null = null;
      let told = false;
      thread.on('message', (message: FromDelivery) => {
        if (message.kind === 'connected') events.onConnected();
        else if (message.kind === 'sent') events.onSent(message.records);
        else {
          told = true;
          failure = message.failure && fullFailure(message.failure);
        }
      });
      thread.on('error', (error) => {
        failure = new UndoError('INTERNAL', `The thread that sends to Kafka failed: ${reasonOf(error)}.`, { cause: error });
      });
      // Only now nothing of it runs any more: the next one may begin.
      thread.on('exit', (status) => {
        if (failure) reject(failure);
        else if (told) resolve();
        else reject(new UndoError('INTERNAL', `The thread that sends to Kafka ended with status ${status}.`));
      });
    });
  }

  notify(upTo: number, behind: boolean): void {
    this.#tell({ kind: 'durable', upTo, behind });
  }

  /** Asks it to end; a send that is on its way is waited for. */
  stop(): void {
    this.#tell({ kind: 'stop' });
  }

  #tell(message: ToDelivery): void {
    this.#thread.postMessage(message);
  }
}
