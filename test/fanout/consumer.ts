import { ProvisionError, runTool, startKafka, type RunningKafka } from '../../deploy/provision/index.ts';
import { until } from '../support/until.ts';

/** A record as kcat, a client that is not ours, gives it out. */
export interface Consumed {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly payload: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** The value of a row change. */
export interface Envelope {
  readonly op: string;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly source: Record<string, unknown>;
  readonly transaction: { readonly id: string; readonly total_order: number; readonly data_collection_order: number };
  readonly undo: { readonly opid: string; readonly sql: string | null };
}

export const envelope = (record: Consumed): Envelope => JSON.parse(record.payload!) as Envelope;

export const NO_BROKER = 'no Kafka broker is to be had: docs/servers.md';

export interface Broker extends AsyncDisposable {
  readonly brokers: string;
  /** Null: somebody else's broker, named by KAFKA_BROKERS, which is left alone. */
  readonly own: RunningKafka | null;
}

/**
 * The broker of the tests; null where there is none to be had, and then the tests are skipped by name.
 * KAFKA_REQUIRED, which .ci/run sets, makes that an error instead.
 */
export async function openBroker(): Promise<Broker | null> {
  const named = process.env.KAFKA_BROKERS;
  if (named !== undefined && named !== '') return { brokers: named, own: null, [Symbol.asyncDispose]: () => Promise.resolve() };
  try {
    const own = await startKafka();
    return { brokers: own.brokers, own, [Symbol.asyncDispose]: () => own.stop() };
  } catch (error) {
    if (!(error instanceof ProvisionError) || process.env.KAFKA_REQUIRED === 'true') throw error;
    process.stderr.write(`Tests of Kafka are skipped: ${error.message}\n`);
    return null;
  }
}

/** Every record of a topic so far, in the order of each partition. Nothing while there is no such topic. */
export async function consume(brokers: string, topic: string): Promise<Consumed[]> {
  const { status, stdout } = await runTool('kcat', 'usr/bin/kcat', ['-b', brokers, '-C', '-t', topic, '-e', '-q', '-J', '-X', 'allow.auto.create.topics=false']);
  if (status !== 0) return [];
  return stdout.split('\n').filter((line) => line !== '').map((line) => {
    const { headers, ...rest } = JSON.parse(line) as Omit<Consumed, 'headers'> & { headers?: string[] };
    const pairs = (headers ?? []).flatMap((name, at, all) => (at % 2 === 0 ? [[name, all[at + 1] ?? ''] as const] : []));
    return { ...rest, headers: Object.fromEntries(pairs) };
  });
}

/** Waits until a topic holds so many different records; more of them are repetitions with equal dedup ids. */
export function consumed(brokers: string, topic: string, count: number, seconds = 600): Promise<Consumed[]> {
  return until(`${count} records in ${topic}`, async () => {
    const found = await consume(brokers, topic);
    return new Set(found.map((record) => record.headers['binlog-undo-dedup-id'])).size >= count && found;
  }, seconds);
}
