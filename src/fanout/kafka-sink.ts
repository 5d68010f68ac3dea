import kafkajs, { type KafkaConfig, type Producer, type SASLOptions } from 'kafkajs';
import { readFileSync } from 'node:fs';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { UndoError, reasonOf } from '../core/errors.ts';
import { grouped } from '../core/grouped.ts';
import type { KafkaRecord, RecordSink } from './port.ts';
import { quietRequestQueues } from './request-queue.ts';

export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Null: a plain connection. */
  readonly tls: { readonly ca: string | null; readonly verify: boolean } | null;
  readonly sasl: { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly user: string; readonly password: () => string } | null;
}

// A CommonJS module whose exports Node does not all see by name.
const { CompressionCodecs, CompressionTypes, Kafka, Partitioners, logLevel } = kafkajs;

/** Attempts inside one send, about five seconds: longer pauses are the caller's matter. */
const RETRY = { retries: 4, initialRetryTime: 200, maxRetryTime: 3000 };

/**
 * kafkajs packs at level 6 in the process's thread pool, where capture packs its blocks. Here it is this thread's own time, at the
 * level that capture uses: a third of it for a few per cent more bytes.
 */
CompressionCodecs[CompressionTypes.GZIP] = () => ({
  compress: (encoder: { readonly buffer: Buffer }) => Promise.resolve(gzipSync(encoder.buffer, { level: constants.Z_BEST_SPEED })),
  decompress: (packed: Buffer) => Promise.resolve(gunzipSync(packed)),
});

quietRequestQueues();

/** What sends through kafkajs. Idempotent, one send in flight, acknowledged by all in-sync replicas. */
export class KafkaSink implements RecordSink {
  readonly #producer: Producer;
  readonly #brokers: string;

  private constructor(producer: Producer, brokers: string) {
    this.#producer = producer;
    this.#brokers = brokers;
  }

  /** @throws UndoError KAFKA_UNREACHABLE, KAFKA_REFUSED, CONFIG_INVALID. */
  static async open(settings: KafkaSettings): Promise<KafkaSink> {
    const kafka = new Kafka(clientConfig(settings));
    // The default partitioner is Kafka's own: murmur2 of the key.
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: true, createPartitioner: Partitioners.DefaultPartitioner, retry: RETRY });
    const sink = new KafkaSink(producer, settings.brokers.join(','));
    try {
      await producer.connect();
    } catch (error) {
      await sink.close();
      throw sink.#named(error);
    }
    return sink;
  }

  async send(records: readonly KafkaRecord[]): Promise<void> {
    const topicMessages = [...grouped(records, ({ topic }) => topic)].map(([topic, group]) => (
      { topic, messages: group.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })) }));
    try {
      await this.#producer.sendBatch({ acks: -1, compression: CompressionTypes.GZIP, topicMessages });
    } catch (error) {
      await this.close();
      throw this.#named(error);
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect().catch(() => undefined);
  }

  #named(error: unknown): UndoError {
    const cause = rootOf(error);
    // kafkajs exports its error classes in a way that ESM does not see: `type` is the broker's name for what is wrong.
    const type = cause instanceof Error && 'type' in cause ? String(cause.type) : '';
    const reason = reasonOf(cause);
    if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') {
      return new UndoError('KAFKA_RECORD_TOO_LARGE', `Kafka at ${this.#brokers} refused a batch as too large: ${reason}.`, { cause: error });
    }
    const passes = cause instanceof Error && 'retriable' in cause && cause.retriable === true;
    const refused = (type !== '' && !passes) || /SASL/.test(cause instanceof Error ? cause.name : '');
    return refused
      ? new UndoError('KAFKA_REFUSED', `Kafka at ${this.#brokers} refused: ${reason}.`, { cause: error })
      : new UndoError('KAFKA_UNREACHABLE', `Kafka at ${this.#brokers} did not take the records: ${reason}.`, { cause: error });
  }
}

/** kafkajs wraps what went wrong in "retries exceeded". */
function rootOf(error: unknown): unknown {
  let cause = error;
  for (let depth = 0; depth < 5 && cause instanceof Error && cause.cause instanceof Error; depth++) cause = cause.cause;
  return cause;
}

function clientConfig({ brokers, clientId, tls, sasl }: KafkaSettings): KafkaConfig {
  return {
    brokers: [...brokers], clientId, retry: RETRY, connectionTimeout: 3000, requestTimeout: 10_000, logLevel: logLevel.NOTHING,
    ...(tls && { ssl: { rejectUnauthorized: tls.verify, ...(tls.ca !== null && { ca: [certificate(tls.ca)] }) } }),
    ...(sasl && { sasl: { mechanism: sasl.mechanism, username: sasl.user, password: sasl.password() } as SASLOptions }),
  };
}

function certificate(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UndoError('CONFIG_INVALID', `The file "${file}" that kafka.tls.ca names cannot be read: ${reasonOf(error)}.`, { cause: error });
  }
}
