import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { RunningServer } from '../../../deploy/provision/index.ts';
import { quoteName } from '../../../src/core/identifiers.ts';
import { serverErrorNumber } from '../../../src/core/mysql.ts';
import { connect } from '../../support/servers.ts';
import type { Random } from './random.ts';

/** Tables that the undo of the window must restore; the others are changed by DDL, which this release does not undo. */
export const RESTORED = ['small', 'large', 'branch'] as const;
const LARGE_ROWS = 100_000;
const DEADLOCK = 1213;
const WRITERS = 3;
const BRANCH_ROWS = 200;
const LARGE_STYLES = ['statement', 'statements', 'xa'] as const;

const DIGITS = ['a', 'b', 'c', 'd', 'e'];
const TABLES = `
  CREATE TABLE small (id BIGINT PRIMARY KEY AUTO_INCREMENT, who INT, v INT, note VARCHAR(300), KEY (who));
  CREATE TABLE large (id INT PRIMARY KEY, v INT, pad VARCHAR(40));
  CREATE TABLE branch (id INT PRIMARY KEY, v INT, note VARCHAR(40));
  CREATE TABLE churn (id BIGINT PRIMARY KEY AUTO_INCREMENT, v INT);
  CREATE TABLE digits (d INT PRIMARY KEY); INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
  INSERT INTO branch SELECT a.d * 100 + b.d * 10 + c.d, 0, 'at first' FROM digits a, digits b, digits c WHERE a.d * 100 + b.d * 10 + c.d < ${2 * BRANCH_ROWS};
  INSERT INTO small (who, v, note) SELECT a.d % ${WRITERS}, b.d, 'there before' FROM digits a, digits b;
  INSERT INTO large SELECT a.d * 10 + b.d, 0, 'there before' FROM digits a, digits b`;
/** Rows of `large` that are there at first. */
const OTHERS = 100;
/** As many ids behind those. */
const MANY = `${DIGITS.map((name, i) => `${name}.d * ${10 ** i}`).join(' + ')} + ${OTHERS}`;
const FROM_MANY = DIGITS.map((name) => `digits ${name}`).join(', ');

/** A mixed load on one source until it is told to stop. Each part has rows or a table of its own, so that none waits for another for long. */
export class MixedLoad {
  readonly #server: RunningServer;
  readonly #schema: string;
  readonly #random: Random;
  readonly #style: number;
  #parts: Promise<void> = Promise.resolve();
  #over = false;
  /** What ended one of its parts; a load that stands still would prove nothing. */
  #failure: unknown = null;

  /** @param style which kind of large transaction comes first. */
  constructor(server: RunningServer, schema: string, random: Random, style: number) {
    this.#server = server;
    this.#schema = schema;
    this.#random = random;
    this.#style = style;
  }

  /** Makes the schema and what is in it before the window. */
  async prepare(): Promise<void> {
    const db = await connect(this.#server, { multipleStatements: true });
    await db.query(`CREATE DATABASE ${quoteName(this.#schema)} CHARACTER SET utf8mb4; USE ${quoteName(this.#schema)}; ${TABLES}`);
    await db.end();
  }

  /** @param largeEvery rest between large transactions, in milliseconds; the first one comes at once. */
  start(largeEvery: number): void {
    const parts = [
      ...Array.from({ length: WRITERS }, (_, who) => this.#part((db, random) => small(db, random, who))),
      ...[0, 1].map((which) => this.#part((db, random) => this.#branch(db, random, which))),
      this.#part((db, random) => churn(db, random)),
      this.#large(largeEvery),
    ];
    this.#parts = Promise.all(parts).then(() => undefined, (error: unknown) => {
      this.#failure = error;
      this.#over = true;
    });
  }

  /** Ends every transaction. @throws whatever ended a part of it before. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#parts;
    if (this.#failure instanceof Error) throw this.#failure;
  }

  async #session(): Promise<Connection> {
    const db = await connect(this.#server, { multipleStatements: true });
    await db.query(`USE ${quoteName(this.#schema)}; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`);
    return db;
  }

  async #part(step: (db: Connection, random: Random) => Promise<void>): Promise<void> {
    const random = this.#random.fork();
    const db = await this.#session();
    while (!this.#over) await step(db, random);
    await db.end();
  }

  /** Half of the rows belong to each of the two; a name is used again as soon as it is free. */
  async #branch(db: Connection, random: Random, which: number): Promise<void> {
    const xid = `'${this.#schema}','${which}${random.between(0, 1)}'`;
    const first = which * BRANCH_ROWS + random.between(0, BRANCH_ROWS - 40);
    await db.query(`XA START ${xid}; UPDATE branch SET v = v + 1, note = '${xidNote(random)}' WHERE id BETWEEN ${first} AND ${first + random.between(0, 39)}; XA END ${xid}`);
    if (random.chance(0.2)) await db.query(`XA COMMIT ${xid} ONE PHASE`);
    else {
      await db.query(`XA PREPARE ${xid}`);
      // Long enough for restarts of the daemon in between, or at once.
      await this.#rest(random.chance(0.5) ? 0 : random.moment(100, 6000));
      await db.query(`XA ${random.chance(0.7) ? 'COMMIT' : 'ROLLBACK'} ${xid}`);
    }
    await pause(random.between(0, 200));
  }

  /** In turn one statement, many statements and XA; rows come, and go in the next round. Once in any case. */
  async #large(every: number): Promise<void> {
    const db = await this.#session();
    const xid = `'${this.#schema}','large'`;
    for (let round = 0; round === 0 || !this.#over; round++) {
      const rows = (from: number, to: number): string => round % 2 === 0
        ? `INSERT INTO large SELECT ${MANY} AS id, ${round}, CONCAT('row ', ${MANY}) FROM ${FROM_MANY} HAVING id >= ${from} AND id < ${to}`
        : `DELETE FROM large WHERE id >= ${from} AND id < ${to}`;
      const style = LARGE_STYLES[(this.#style + round) % LARGE_STYLES.length];
      if (style === 'statement') await db.query(rows(OTHERS, OTHERS + LARGE_ROWS));
      else if (style === 'statements') {
        await db.query('BEGIN');
        for (let from = OTHERS; from < OTHERS + LARGE_ROWS; from += LARGE_ROWS / 20) await db.query(rows(from, from + LARGE_ROWS / 20));
        await db.query('COMMIT');
      } else {
        await db.query(`XA START ${xid}; ${rows(OTHERS, OTHERS + LARGE_ROWS)}; XA END ${xid}; XA PREPARE ${xid}`);
        await this.#rest(this.#random.between(0, 3000));
        await db.query(`XA COMMIT ${xid}`);
      }
      await this.#rest(every);
    }
    await db.end();
  }

  /** Shorter when the load is told to stop. */
  async #rest(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0 && !this.#over; left -= 100) await pause(Math.min(100, left));
  }
}

function xidNote(random: Random): string {
  return `branch ${random.between(0, 999_999)}`;
}

async function small(db: Connection, random: Random, who: number): Promise<void> {
  const v = random.between(-1000, 1000);
  const rows = Array.from({ length: random.between(1, 6) }, (_, i) => `(${who}, ${v + i}, '${'x'.repeat(random.between(0, 250))}')`).join(', ');
  // As many go as come in the long run, so that the table keeps its size.
  const change = `UPDATE small SET v = v + 1, note = IF(v % 2 = 0, NULL, note) WHERE who = ${who} ORDER BY id DESC LIMIT 3; DELETE FROM small WHERE who = ${who} ORDER BY id LIMIT 9`;
  const insert = `INSERT INTO small (who, v, note) VALUES ${rows}`;
  await retried(db, random.pick([
    insert, insert, `BEGIN; ${insert}; ${change}; COMMIT`, `BEGIN; ${insert}; ${change}; COMMIT`, `BEGIN; ${insert}; ${change}; COMMIT`,
    `BEGIN; ${insert}; ${change}; ROLLBACK`, `BEGIN; ${insert}; SAVEPOINT s; ${change}; ROLLBACK TO s; COMMIT`,
  ]));
  await pause(random.between(5, 60));
}

/** The writers meet in one index: a deadlock now and then is part of the load. */
async function retried(db: Connection, transaction: string): Promise<void> {
  await db.query(transaction).catch(async (error: unknown) => {
    if (serverErrorNumber(error) !== DEADLOCK) throw error;
    await db.query('ROLLBACK');
  });
}

/** DDL on a table that stays and of one that comes and goes, and rotations. */
async function churn(db: Connection, random: Random): Promise<void> {
  await db.query('ALTER TABLE churn ADD COLUMN extra INT; INSERT INTO churn (v, extra) VALUES (1, 2), (2, NULL), (3, 4); UPDATE churn SET extra = v WHERE extra IS NULL ORDER BY id LIMIT 5');
  await pause(random.between(0, 300));
  await db.query('ALTER TABLE churn DROP COLUMN extra; DELETE FROM churn ORDER BY id LIMIT 2');
  await db.query("CREATE TABLE passing (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO passing VALUES (1, 'a'), (2, 'b')");
  await pause(random.between(0, 300));
  await db.query('UPDATE passing SET v = NULL WHERE id = 2; DROP TABLE passing');
  if (random.chance(0.5)) await db.query('FLUSH BINARY LOGS');
  await pause(random.between(0, 300));
}
