import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import type { RunningServer } from '../../deploy/provision/index.ts';
import { rows } from './undo-log.ts';

const PAGE = 20_000;
const TABLE = 'bench_log.loaded';

/** An empty table equal to a goInception table, to be loaded into; `filled`: with its rows. */
export async function makeEqualTable(log: Connection, from: string, filled = false): Promise<void> {
  await log.query(`CREATE DATABASE IF NOT EXISTS bench_log; DROP TABLE IF EXISTS ${TABLE}; CREATE TABLE ${TABLE} LIKE ${from}`);
  if (filled) await log.query(`INSERT INTO ${TABLE} SELECT * FROM ${from}`);
}

export async function dropEqualTable(log: Connection): Promise<void> {
  await log.query(`DROP TABLE ${TABLE}`);
}

/** The highest id of a goInception table; 0 when it is empty. */
export async function lastId(log: Connection, table: string): Promise<number> {
  const [found] = await rows(log, `SELECT COALESCE(MAX(id), 0) AS id FROM ${table}`);
  return Number(found!.id);
}

/** Loads the rows of a goInception table that come after an id into the equal one, the fastest way in that a server has. @returns seconds. */
export async function loadData(backup: RunningServer, log: Connection, from: string, after = 0): Promise<number> {
  const file = join(backup.dataDir, 'bench-load.txt');
  const given = await writeRows(log, from, after, file);
  const count = async (): Promise<number> => Number((await rows(log, `SELECT COUNT(*) AS n FROM ${TABLE}`))[0]!.n);
  const before = await count();
  const since = performance.now();
  await log.query({
    sql: `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${TABLE} CHARACTER SET utf8mb4 FIELDS TERMINATED BY x'01' ESCAPED BY '' LINES TERMINATED BY '\\n' (rollback_statement, opid_time)`,
    infileStreamFactory: (): Readable => createReadStream(file, { highWaterMark: 1 << 20 }),
  });
  const seconds = (performance.now() - since) / 1000;
  const loaded = await count() - before;
  if (loaded !== given) throw new Error(`LOAD DATA wrote ${loaded} of ${given} rows`);
  await rm(file);
  return seconds;
}

/** @returns how many. */
async function writeRows(log: Connection, from: string, after: number, path: string): Promise<number> {
  const file = await open(path, 'w');
  let [written, last] = [0, after];
  for (;;) {
    const page = await rows(log, `SELECT id, rollback_statement, opid_time FROM ${from} WHERE id > ${last} ORDER BY id LIMIT ${PAGE}`);
    if (page.length === 0) break;
    await file.write(page.map((row) => `${String(row.rollback_statement)}\x01${String(row.opid_time)}\n`).join(''));
    written += page.length;
    last = Number(page.at(-1)!.id);
  }
  await file.close();
  return written;
}
