import { randomBytes } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { comparePositions, type Position } from '../../src/core/position.ts';
import { binlogEnd, connect } from '../../test/support/any-server.ts';
import { Daemon, serverEnvironment } from '../../test/support/daemon.ts';
import { until } from '../../test/support/until.ts';
import { sized, type Benchmark } from '../harness/context.ts';
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

export const definitions: Benchmark = {
  name: 'definitions', about: 'starting on 10,000 tables (quick: 1,000), and catching up over 1,000 DDL',
  run: async (context) => {
    const figures: Figure[] = [];
    const [tables, ddl] = [sized(context, 10_000, 1000), context.quick ? 100 : 1000];
    for (const kind of context.kinds) {
      const [source, backup] = [await server(kind, 'source'), await server(kind, 'backup')];
      const alias = `b${randomBytes(3).toString('hex')}`;
      const env = {
        ...serverEnvironment('SOURCE', source), ...serverEnvironment('BACKUP', backup),
        BINLOG_UNDO_SOURCE_ALIAS: alias, BINLOG_UNDO_LEDGER: `ledger_${alias}`, BINLOG_UNDO_INCLUDE_DATABASE: 'many',
      };
      const log = await connect(backup, { multipleStatements: true, supportBigNumbers: true });
      const on = `${kind}, ${rate(tables)} tables`;
      await withConnection(source, async (db) => {
        const session = (): Promise<Connection> => connect(source, { database: 'many' });
        context.log(`${on}: making them`);
        await db.query('DROP DATABASE IF EXISTS many; CREATE DATABASE many');
        await together(session, Array.from({ length: tables }, (_, i) => `CREATE TABLE t${i} (${COLUMNS}) ENGINE=InnoDB`));
        const began = performance.now();
        const seconds = (): number => (performance.now() - began) / 1000;
        const daemon = Daemon.spawn(env);
        await daemon.logged('capturing');
        const capturing = seconds();
        await daemon.logged('definitions_read');
        const read = seconds();
        await db.query('INSERT INTO many.t1 (customer) VALUES (1)');
        await until('all of them are proven', async () => Number((await rows(log, `SELECT COUNT(*) AS n FROM \`ledger_${alias}\`.definitions WHERE proven = 1`))[0]?.n) > tables, 900);
        const peak = daemon.peakMemory() / 2 ** 20;
        await daemon.stop();
        figures.push(
          figure('many tables: start to capturing', on, [capturing], 's', undefined, 'from the start of the process'),
          figure('many tables: start to all read', on, [read], 's', { most: 60 }, `${rate(tables / read)} tables/s, beside the stream; proven and in the ledger after ${seconds().toFixed(1)} s`),
          figure('many tables: peak memory', on, [peak], 'MiB', { most: 512 }, ''),
        );
        context.log(`${on}: ${ddl} DDL`);
        await together(session, Array.from({ length: ddl }, (_, i) => `ALTER TABLE t${i} ADD COLUMN extra VARCHAR(20) NOT NULL DEFAULT 'x' AFTER name`));
        const target = await binlogEnd(db);
        const before = await asked(db);
        const again = performance.now();
        await using second = await Daemon.start(env);
        await until('all of them were run again', () => settled(log, alias, target), 900);
        const each = (performance.now() - again) / ddl;
        const questions = await asked(db) - before;
        figures.push(
          figure('many tables: catching up over DDL', on, [each], 'ms/DDL', undefined, `${ddl} ALTER TABLE of as many tables, run again on empty copies; with the start of the process`),
          figure('many tables: definitions asked of the source meanwhile', on, [questions], 'tables', { most: ddl + 10 }, `of ${tables}: those that were altered, to compare`),
          figure('many tables: peak memory of catching up', on, [second.peakMemory() / 2 ** 20], 'MiB', { most: 512 }, ''),
        );
        await second.stop();
        await db.query('DROP DATABASE many');
      });
      await dropLog(log, { alias, ledger: `ledger_${alias}` });
      await log.end();
    }
    return figures;
  },
};

async function settled(log: Connection, alias: string, target: Position): Promise<boolean> {
  const [state] = await rows(log, `SELECT file, file_offset AS place, (SELECT COUNT(*) FROM \`ledger_${alias}\`.definitions WHERE ddl IS NOT NULL OR proven = 0) AS waiting FROM \`ledger_${alias}\`.checkpoints`);
  return state !== undefined && Number(state.waiting) === 0 && comparePositions({ file: String(state.file), offset: Number(state.place) }, target) >= 0;
}
