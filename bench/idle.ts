/**
 * What a daemon takes that has nothing to do: memory and processor time, with the API, metrics and the projection on, without
 * Kafka and with it.
 *   npm run build && npx tsx bench/idle.ts [seconds]
 * Its own processor time is counted, so that other load on the machine hardly matters. @returns status 1 above the limits.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processorSeconds } from './harness/process-time.ts';
import { freePort, startKafka } from '../deploy/provision/index.ts';
import { Scene } from '../test/support/scene.ts';
import { backup, sources } from '../test/support/servers.ts';
import { until } from '../test/support/until.ts';

const SECONDS = Number(process.argv[2] ?? 60);
const MOST_MIB = 120;
const MOST_CPU = 0.01;

const residentMiB = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;

await using kafka = await startKafka();
let within = true;
for (const server of sources()) for (const fanout of [false, true]) {
  await using scene = await Scene.open(server, backup(server.flavour));
  const [api, metrics] = [await freePort(), await freePort()];
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT)');
  await using daemon = await scene.startDaemon({
    BINLOG_UNDO_ADMIN_PORT: String(api), BINLOG_UNDO_METRICS_PORT: String(metrics),
    ...(fanout && { BINLOG_UNDO_KAFKA_BROKERS: kafka.brokers, BINLOG_UNDO_KAFKA_TOPIC_PREFIX: scene.schema }),
  });
  await scene.db.query('INSERT INTO t VALUES (1, 1)');
  await scene.caughtUp();
  if (fanout) await until('Kafka has the row', async () => Number((await scene.ledgerRows("SELECT ordinal FROM cursors WHERE consumer = 'kafka'"))[0]?.ordinal ?? 1) > 1);
  await sleep(5000); // what the start has left to do
  const [before, since] = [processorSeconds(daemon.pid), performance.now()];
  for (let second = 0; second < SECONDS; second += 15) {
    await sleep(Math.min(15, SECONDS - second) * 1000);
    await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    await (await fetch(`http://127.0.0.1:${api}/readyz`)).text();
  }
  const cpu = (processorSeconds(daemon.pid) - before) / ((performance.now() - since) / 1000);
  const memory = residentMiB(daemon.pid);
  within &&= cpu <= MOST_CPU && memory <= MOST_MIB;
  process.stdout.write(`${server.kind}, Kafka ${fanout ? 'on' : 'off'}: ${memory.toFixed(0)} MiB resident (most ${MOST_MIB}), ${(cpu * 100).toFixed(2)} % of a processor (most ${MOST_CPU * 100})\n`);
  await daemon.stop();
}
await kafka.stop();
process.exit(within ? 0 : 1);
