import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaConfig } from '../../config/config.ts';
import { UndoError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { ServerEndpoint } from '../../core/mysql.ts';
import { Delivery } from '../../fanout/delivery.ts';
import type { DeliveryOrder } from '../../fanout/delivery-order.ts';
import type { DaemonMetrics } from '../../metrics/daemon-metrics.ts';
import type { Ledger } from '../../store/ledger.ts';
import { VERSION } from '../version.ts';
import { backupError } from './backup-faults.ts';

export interface FanoutLoopOptions {
  readonly kafka: KafkaConfig;
  readonly backup: ServerEndpoint;
  readonly ledger: Ledger;
  readonly sourceId: number;
  readonly alias: string;
  readonly epoch: number;
  readonly log: Logger;
  readonly metrics: DaemonMetrics;
  /** The cursor was taken over (another daemon, a forced purge): the session must end. */
  readonly onLost: (error: UndoError) => void;
}

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MOST_MS = 30_000;
/** So much waiting to be written means that capture is behind. */
const BEHIND_BYTES = 512 * 1024;

/**
 * Runs the fan-out behind capture, in a thread of its own: told of each durable batch, never waited for. What goes wrong with
 * Kafka is told and tried again after growing pauses; it does not end the session.
 */
export class FanoutLoop {
  readonly #options: FanoutLoopOptions;
  readonly #over = new AbortController();
  /** Two deliveries at once could send an old record after a newer one: each loop waits for the one before it. */
  static #last: Promise<void> = Promise.resolve();
  #upTo: number;
  #delivery: Delivery | null = null;

  constructor(options: FanoutLoopOptions, upTo: number) {
    this.#options = options;
    this.#upTo = upTo;
    options.metrics.kafkaRecords ??= 0;
    FanoutLoop.#last = FanoutLoop.#last.then(() => this.#run());
  }

  /**
   * The log is durable before ordinal `upTo`, or the history of definitions has grown.
   * @param waiting bytes that capture has still to write.
   */
  notify(upTo: number, waiting: number): void {
    this.#upTo = upTo;
    this.#delivery?.notify(upTo, waiting >= BEHIND_BYTES);
  }

  /** Ends it without waiting for Kafka; what is not acknowledged is sent by the next loop. */
  stop(): void {
    this.#over.abort();
    this.#delivery?.stop();
  }

  async #run(): Promise<void> {
    const { log, metrics, alias } = this.#options;
    const { signal } = this.#over;
    const stopped = (): boolean => signal.aborted;
    let backoff = BACKOFF_FIRST_MS;
    while (!stopped()) {
      try {
        await this.#deliver(() => {
          backoff = BACKOFF_FIRST_MS;
        });
      } catch (thrown) {
        const error = thrown instanceof UndoError ? thrown : backupError(this.#options.backup, thrown);
        if (stopped()) return;
        if (error.code === 'LEADER_LOST') {
          this.#options.onLost(error);
          return;
        }
        metrics.kafkaFailures.add(error.code.toLowerCase());
        const wait = backoff * (0.5 + Math.random());
        backoff = Math.min(backoff * 2, BACKOFF_MOST_MS);
        log.warn({ event: 'kafka_waiting', source: alias, error, retryMs: Math.round(wait) }, 'Nothing is sent to Kafka for now; capture goes on, and nothing is lost');
        await sleep(wait, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Until something fails, or the loop is stopped. */
  async #deliver(worked: () => void): Promise<void> {
    const { kafka, log, metrics, alias } = this.#options;
    this.#delivery = new Delivery(this.#order(), {
      onConnected: () => log.info({ event: 'kafka_connected', source: alias, brokers: kafka.brokers }, 'Sending the log to Kafka'),
      onSent: (records) => {
        metrics.kafkaRecords = (metrics.kafkaRecords ?? 0) + records;
        worked();
      },
    });
    try {
      await this.#delivery.ended;
    } finally {
      this.#delivery = null;
    }
  }

  /** Secrets are read anew for each attempt. */
  #order(): DeliveryOrder {
    const { kafka, backup, ledger, sourceId, alias, epoch } = this.#options;
    const { sasl, masks, maskSalt, ...settings } = kafka;
    return {
      backup: { ...backup, password: backup.password() },
      kafka: { ...settings, masks: { rules: masks, salt: masks.length > 0 ? maskSalt() : '' }, sasl: sasl && { ...sasl, password: sasl.password() }, clientId: `binlog-undo-${alias.replace(/[^A-Za-z0-9._-]/g, '_')}` },
      ledger: ledger.name, sourceId, alias, epoch, version: VERSION, upTo: this.#upTo,
    };
  }
}
