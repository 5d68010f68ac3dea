/**
 * What Kafka costs capture: a load is written and captured without Kafka in the configuration (the broker runs all the same), with Kafka
 * there, and with Kafka away, in turns. Printed are seconds, and the processor time of the daemon's main thread, which captures.
 *   npm run build && npx tsx bench/fanout.ts [transactions] [turns]
 */
import { readFileSync } from 'node:fs';
import { startKafka } from '../deploy/provision/index.ts';
import { Scene } from '../test/support/scene.ts';
import { backup, source } from '../test/support/servers.ts';
import { until } from '../test/support/until.ts';

const TRANSACTIONS = Number(process.argv[2] ?? 3000);
const TURNS = Number(process.argv[3] ?? 3);
const ROWS = 20;
const STATES = ['without', 'there', 'away'] as const;

await using kafka = await startKafka();
await using scene = await Scene.open(source('mysql'), backup('mysql'), { env: { BINLOG_UNDO_PROJECTION_ENABLED: 'false' } });
await scene.db.query('CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, c CHAR(120))');
const sending = { BINLOG_UNDO_KAFKA_BROKERS: kafka.brokers, BINLOG_UNDO_KAFKA_TOPIC_PREFIX: scene.schema };
const sent = async (): Promise<number> => Number((await scene.ledgerRows("SELECT ordinal FROM cursors WHERE consumer = 'kafka'"))[0]?.ordinal ?? 1);
const allSent = (): Promise<unknown> =>
  until('Kafka has all of the log', async () => await sent() === Number((await scene.ledgerRows('SELECT next_ordinal FROM checkpoints'))[0]?.next_ordinal), 300);
/** Records a second while nothing is captured. */
const alone: number[] = [];
const insert = `INSERT INTO t (c) VALUES ${Array.from({ length: ROWS }, () => "(REPEAT('x', 110))").join(', ')};`;
const load = async (transactions: number): Promise<void> => {
  for (let i = 0; i < transactions; i += 100) await scene.db.query(insert.repeat(100));
  await scene.caughtUp({ projected: false });
};
/** Of the thread that captures, in milliseconds. */
const mainThread = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

const measured = Object.fromEntries(STATES.map((state) => [state, { seconds: [] as number[], cpu: [] as number[], meanwhile: [] as number[] }])) as Record<(typeof STATES)[number], { seconds: number[]; cpu: number[]; meanwhile: number[] }>;
for (let turn = 0; turn < TURNS; turn++) {
  for (const state of STATES) {
    if (state === 'away') await kafka.kill();
    const daemon = await scene.startDaemon(state === 'without' ? {} : sending);
    if (state === 'away') await daemon.logged('kafka_waiting');
    await load(100);
    if (state === 'there') await allSent();
    const [since, spent, before] = [performance.now(), mainThread(daemon.pid), await sent()];
    await load(TRANSACTIONS);
    const into = measured[state];
    into.seconds.push((performance.now() - since) / 1000);
    into.cpu.push(mainThread(daemon.pid) - spent);
    into.meanwhile.push(await sent() - before);
    if (state === 'there') {
      const [from, at] = [await sent(), performance.now()];
      await allSent();
      alone.push(Math.round(((await sent() - from) * ROWS * 1000) / (performance.now() - at)));
    }
    await daemon.stop();
    if (state === 'away') await kafka.restart();
  }
}
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
process.stdout.write(`${TRANSACTIONS} transactions of ${ROWS} rows, median of ${TURNS}\n`);
for (const state of STATES) {
  const { seconds, cpu, meanwhile } = measured[state];
  const ratio = (of: 'seconds' | 'cpu'): string => (median(measured[state][of]) / median(measured.without[of])).toFixed(2);
  process.stdout.write(`Kafka ${state}: ${median(seconds).toFixed(1)} s (${ratio('seconds')}), main thread ${median(cpu)} ms (${ratio('cpu')}), sent meanwhile ${meanwhile.join(', ')} transactions\n`);
}
process.stdout.write(`with nothing to capture ${median(alone)} records/s are sent\n`);
await kafka.stop();
process.exit();
