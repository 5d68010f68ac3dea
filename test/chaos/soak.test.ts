import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startServer } from '../../deploy/provision/index.ts';
import { Daemon } from '../support/daemon.ts';
import { uniqueSchema } from '../support/servers.ts';
import { Camps } from './support/camp.ts';
import { caughtUp, inLedger } from './support/capture.ts';
import { MIB, residentMemory } from './support/memory.ts';
import { Random } from './support/random.ts';

const HOURS = Number(process.env.CHAOS_HOURS ?? 0);
const SAMPLES = 300;
/** Reached long before the middle of the run, and cut back often enough not to be seen in the sizes. */
const MOST_BYTES = HOURS < 1 ? '8M' : '512M';
const RETENTION_SECONDS = HOURS < 1 ? 5 : 300;
const LEDGER = 'soak';

interface Sample {
  readonly seconds: number;
  readonly memory: number;
  readonly disk: number;
}

function diskUse(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.blocks ?? 0) * 512, 0);
}

/** Of the straight line nearest to the samples, in bytes per second. */
function slope(samples: readonly Sample[], value: (sample: Sample) => number): number {
  const mean = (of: (sample: Sample) => number): number => samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [x, y] = [mean(({ seconds }) => seconds), mean(value)];
  const covariance = samples.reduce((sum, sample) => sum + (sample.seconds - x) * (value(sample) - y), 0);
  return covariance / samples.reduce((sum, { seconds }) => sum + (seconds - x) ** 2, 0);
}

test(`memory and disk stay as they are over ${HOURS} hours of DDL and small transactions under retention`, { skip: HOURS === 0 && 'long form only: CHAOS_HOURS' }, async (context) => {
  const random = new Random(Number(process.env.CHAOS_SEED ?? 1));
  // Its own binlog would grow whatever we do.
  await using backup = await startServer('mariadb-11.8', { logBin: false });
  await using source = await startServer('mysql-9.7', { args: ['--binlog-expire-logs-seconds=3600'] });
  const schema = uniqueSchema('soak');
  await using camps = await Camps.open([source], backup, schema, LEDGER, random);
  const camp = camps.all[0]!;
  const { load } = camp;
  await using daemon = await Daemon.start(camp.straight(backup, {
    BINLOG_UNDO_RETENTION_DAYS: '0', BINLOG_UNDO_RETENTION_MAX_BYTES: MOST_BYTES, BINLOG_UNDO_RETENTION_INTERVAL_SECONDS: String(RETENTION_SECONDS),
  }));
  load.start(HOURS * 3_600_000);
  const began = Date.now();
  const samples: Sample[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    await pause((HOURS * 3_600_000) / SAMPLES);
    samples.push({ seconds: (Date.now() - began) / 1000, memory: residentMemory(daemon.pid), disk: diskUse(backup.dataDir) });
  }
  await load.stop();
  await caughtUp(camp, backup, { ledger: LEDGER, alias: camp.alias });
  const held = samples.slice(SAMPLES / 2);
  const seconds = held.at(-1)!.seconds - held[0]!.seconds;
  const memory = slope(held, (sample) => sample.memory) * seconds;
  const disks = held.map(({ disk }) => disk);
  const purges = await inLedger(backup, LEDGER, async (connection) => (await connection.query('SELECT * FROM purges'))[0]);
  context.diagnostic(`second half: memory ${Math.round(held[0]!.memory / MIB)} to ${Math.round(held.at(-1)!.memory / MIB)} MiB, slope ${(memory / MIB).toFixed(1)} MiB over ${Math.round(seconds)} s; disk ${Math.round(Math.min(...disks) / MIB)} to ${Math.round(Math.max(...disks) / MIB)} MiB`);
  assert.ok(Array.isArray(purges) && purges.length > 0, 'retention has removed nothing');
  assert.ok(memory < 0.1 * held[0]!.memory, `memory grew by ${Math.round(memory / MIB)} MiB`);
  assert.ok(Math.max(...disks) <= 1.1 * Math.min(...disks), 'the disk grew');
  await daemon.stop();
});
