import { setPriority } from 'node:os';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { Progress, deliver } from './deliver.ts';
import type { DeliveryOrder, FromDelivery, ToDelivery } from './delivery-order.ts';
import { plainFailure } from './plain-failure.ts';

/*
 * The thread that sends to Kafka: making JSON, packing it and Kafka's checksums take several times the processor time that
 * capture takes, which must not wait for any of it.
 */
const NICE = 5;

/** On Linux 0 is the calling thread, and a thread has a priority of its own: where processors are short, capture comes first. */
function yieldToCapture(): void {
  try {
    if (process.platform === 'linux') setPriority(0, NICE);
  } catch {
    // A sandbox that forbids it: then it is a thread like others.
  }
}

async function main(port: MessagePort, order: DeliveryOrder): Promise<void> {
  yieldToCapture();
  const over = new AbortController();
  const progress = new Progress(order.upTo);
  const tell = (message: FromDelivery): void => port.postMessage(message);
  port.on('message', (message: ToDelivery) => {
    if (message.kind === 'durable') progress.tell(message.upTo, message.behind);
    else {
      over.abort();
      progress.wake();
    }
  });
  let failure: unknown = null;
  try {
    await deliver(order, progress, {
      onConnected: () => tell({ kind: 'connected' }),
      onSent: (records) => tell({ kind: 'sent', records }),
    }, over.signal);
  } catch (error) {
    failure = error;
  }
  tell({ kind: 'over', failure: failure === null || over.signal.aborted ? null : plainFailure(failure) });
  port.close();
}

if (parentPort) await main(parentPort, workerData as DeliveryOrder);
