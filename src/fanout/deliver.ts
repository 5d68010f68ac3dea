import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { openConnection } from '../core/mysql.ts';
import { Ledger } from '../store/ledger.ts';
import type { DeliveryOrder } from './delivery-order.ts';
import { Fanout } from './fanout.ts';
import { KafkaSink } from './kafka-sink.ts';

/** While capture is behind, one part of the time in so many is ours: sending slows down, and never stands still. */
const SHARE_BEHIND = 5;
const LONGEST_REST_MS = 1000;

/** How far the log is, as the delivery is told while it runs. */
export class Progress {
  #upTo: number;
  #behind = false;
  #fresh = true;
  #wake: (() => void) | null = null;

  constructor(upTo: number) {
    this.#upTo = upTo;
  }

  tell(upTo: number, behind: boolean): void {
    this.#upTo = upTo;
    this.#behind = behind;
    this.#fresh = true;
    this.#wake?.();
  }

  /** Ends a waiting `next`. */
  wake(): void {
    this.#wake?.();
  }

  get behind(): boolean {
    return this.#behind;
  }

  /** The end of the log, once something was told since the last call; null when woken for nothing. */
  async next(): Promise<number | null> {
    if (!this.#fresh) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    return this.#take();
  }

  #take(): number | null {
    if (!this.#fresh) return null;
    this.#fresh = false;
    return this.#upTo;
  }
}

export interface DeliveryEvents {
  readonly onConnected: () => void;
  readonly onSent: (records: number) => void;
}

/** Sends the log to Kafka over connections of its own until something fails, or the signal. */
export async function deliver(order: DeliveryOrder, progress: Progress, events: DeliveryEvents, signal: AbortSignal): Promise<void> {
  const { backup, kafka, sourceId, alias, epoch, version } = order;
  let connection: Connection | null = null;
  let sink: KafkaSink | null = null;
  try {
    connection = await openConnection({ ...backup, password: () => backup.password });
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    const { sasl } = kafka;
    sink = await KafkaSink.open({ ...kafka, sasl: sasl && { ...sasl, password: () => sasl.password } });
    const fanout = new Fanout({
      ...kafka, connection, ledger: new Ledger(order.ledger), sourceId, alias, epoch, version, sink,
      onSent: events.onSent, pace: pace(progress, signal),
    });
    events.onConnected();
    while (!signal.aborted) {
      const upTo = await progress.next();
      if (upTo !== null) await fanout.catchUp(upTo, signal);
    }
  } finally {
    await sink?.close();
    connection?.destroy();
  }
}

/** Rests after each batch while capture is behind: it needs the backup server and the processors more. */
function pace(progress: Progress, signal: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return async () => {
    const busy = performance.now() - since;
    if (progress.behind) await sleep(Math.min(LONGEST_REST_MS, busy * (SHARE_BEHIND - 1)), undefined, { signal }).catch(() => undefined);
    since = performance.now();
  };
}
