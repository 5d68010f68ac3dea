import { randomBytes } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { comparePositions, type Position } from '../../src/core/position.ts';
import { binlogEnd, connect } from '../../test/support/any-server.ts';
import { Daemon, serverEnvironment } from '../../test/support/daemon.ts';
import { until } from '../../test/support/until.ts';
import { sized, type Benchmark, type Context } from '../harness/context.ts';
import { figure, rate, type Figure } from '../harness/figure.ts';
import { server, withConnection } from '../harness/servers.ts';
import { dropLog, rows } from '../harness/undo-log.ts';

const COLUMNS = "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, customer INT NOT NULL, name VARCHAR(60) NOT NULL DEFAULT '', state ENUM('new','paid','sent') DEFAULT 'new', total DECIMAL(10,2), note TEXT, created DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3), KEY by_customer (customer), UNIQUE KEY by_name (name, customer)";
const SESSIONS = 4;

/** Shares a list of statements out to a few sessions. */
async function together(open: () => Promise<Connection>, statements: readonly string[]): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: SESSIONS }, async () => {
    const session = await open();
    while (next < statements.length) await session.query(statements[next++]!);
    await session.end();
  }));
}

async function asked(db: Connection): Promise<number> {
  const [found] = await rows(db, "SHOW GLOBAL STATUS LIKE 'Com_show_create_table'");
  return Number(found?.Value);
}

/** What a benchmark of many tables works on. */
interface Estate {
  /** How the figures name it. */
  readonly on: string;
  /** On the source, and on the backup server. */
  readonly db: Connection;
  readonly log: Connection;
  readonly ledger: string;
  readonly env: Record<string, string>;
  /** A session in the database of many tables. */
  readonly session: () => Promise<Connection>;
}

/** On each kind of server: so many tables that no daemon has met. */
async function onEstates(context: Context, tables: number, measure: (estate: Estate) => Promise<Figure[]>): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of context.kinds) {
    const [source, backup] = [await server(kind, 'source'), await server(kind, 'backup')];
    const alias = `b${randomBytes(3).toString('hex')}`;
    const ledger = `ledger_${alias}`;
    const env = {
      ...serverEnvironment('SOURCE', source), ...serverEnvironment('BACKUP', backup),
      BINLOG_UNDO_SOURCE_ALIAS: alias, BINLOG_UNDO_LEDGER: ledger, BINLOG_UNDO_INCLUDE_DATABASE: 'many',
    };
    const log = await connect(backup, { multipleStatements: true, supportBigNumbers: true });
    const on = `${kind}, ${rate(tables)} tables`;
    await withConnection(source, async (db) => {
      const session = (): Promise<Connection> => connect(source, { database: 'many' });
      context.log(`${on}: making them`);
      await db.query('DROP DATABASE IF EXISTS many; CREATE DATABASE many');
      await together(session, Array.from({ length: tables }, (_, i) => `CREATE TABLE t${i} (${COLUMNS}) ENGINE=InnoDB`));
      context.log(`${on}: measuring`);
      figures.push(...await measure({ on, db, log, ledger, env, session }));
      await db.query('DROP DATABASE many');
    });
    await dropLog(log, { alias, ledger });
    await log.end();
  }
  return figures;
}

/** Starts on them, and waits until all are read and proven. */
async function meet({ db, log, ledger, env }: Estate, tables: number): Promise<{ capturing: number; read: number; proven: number; peak: number }> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const daemon = Daemon.spawn(env);
  await daemon.logged('capturing');
  const capturing = seconds();
  await daemon.logged('definitions_read');
  const read = seconds();
  await db.query('INSERT INTO many.t1 (customer) VALUES (1)');
  await until('all of them are proven', async () => Number((await rows(log, `SELECT COUNT(*) AS n FROM \`${ledger}\`.definitions WHERE proven = 1`))[0]?.n) > tables, 900);
  const proven = seconds();
  const peak = daemon.peakMemory() / 2 ** 20;
  await daemon.stop();
  return { capturing, read, proven, peak };
}

export const definitions: Benchmark = {
  name: 'definitions', when: 'full', about: 'starting on 10,000 tables (quick: 1,000)',
  run: (context) => {
    const tables = sized(context, 10_000, 1000);
    return onEstates(context, tables, async (estate) => {
      const { on } = estate;
      const { capturing, read, proven, peak } = await meet(estate, tables);
      return [
        figure('many tables: start to capturing', on, [capturing], 's', undefined, 'from the start of the process'),
        figure('many tables: start to all read', on, [read], 's', { most: 60 }, `${rate(tables / read)} tables/s, beside the stream; proven and in the ledger after ${proven.toFixed(1)} s`),
        figure('many tables: peak memory', on, [peak], 'MiB', { most: 512 }, ''),
      ];
    });
  },
};

export const catchingUp: Benchmark = {
  name: 'catching-up', when: 'full', about: 'catching up over 1,000 DDL (quick: 100) on some of 3,000 tables (quick: 300)',
  run: (context) => {
    const [tables, ddl] = [sized(context, 3000, 300), sized(context, 1000, 100)];
    return onEstates(context, tables, async (estate) => {
      const { on, db, log, ledger, env, session } = estate;
      await meet(estate, tables);
      await together(session, Array.from({ length: ddl }, (_, i) => `ALTER TABLE t${i} ADD COLUMN extra VARCHAR(20) NOT NULL DEFAULT 'x' AFTER name`));
      const target = await binlogEnd(db);
      const before = await asked(db);
      const again = performance.now();
      await using daemon = await Daemon.start(env);
      await until('all of them were run again', () => settled(log, ledger, target), 900);
      const each = (performance.now() - again) / ddl;
      const questions = await asked(db) - before;
      const peak = daemon.peakMemory() / 2 ** 20;
      await daemon.stop();
      return [
        figure('catching up over DDL', on, [each], 'ms/DDL', undefined, `${ddl} ALTER TABLE of as many tables, run again on empty copies; with the start of the process`),
        figure('catching up over DDL: definitions asked of the source', on, [questions], 'tables', { most: ddl + 10 }, `of ${tables}: those that were altered, to compare`),
        figure('catching up over DDL: peak memory', on, [peak], 'MiB', { most: 512 }, ''),
      ];
    });
  },
};

async function settled(log: Connection, ledger: string, target: Position): Promise<boolean> {
  const [state] = await rows(log, `SELECT file, file_offset AS place, (SELECT COUNT(*) FROM \`${ledger}\`.definitions WHERE ddl IS NOT NULL OR proven = 0) AS waiting FROM \`${ledger}\`.checkpoints`);
  return state !== undefined && Number(state.waiting) === 0 && comparePositions({ file: String(state.file), offset: Number(state.place) }, target) >= 0;
}
