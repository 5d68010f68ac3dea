/**
 * Bytes that the backup server holds for each captured row change: in the ledger, and in the goInception tables.
 *   npm run build && npx tsx bench/sizing.ts [row changes of each kind]
 * Rows of 200 bytes like sysbench's, 100 to a statement; and single-row transactions, where the ledger's own rows weigh most.
 */
import type { Connection } from 'mysql2/promise';
import { Scene, query } from '../test/support/scene.ts';
import { backups, source } from '../test/support/servers.ts';

const CHANGES = Number(process.argv[2] ?? 50_000);
const PER_STATEMENT = 100;

/** After OPTIMIZE, so that the figure holds data and indexes only. */
async function bytes(log: Connection, schema: string): Promise<number> {
  const tables = await query(log, "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'", [schema]);
  for (const { name } of tables) await log.query(`OPTIMIZE TABLE \`${schema}\`.\`${String(name)}\``);
  await log.query('SET SESSION information_schema_stats_expiry = 0').catch(() => undefined);
  const [found] = await query(log, 'SELECT COALESCE(SUM(data_length + index_length), 0) AS bytes FROM information_schema.tables WHERE table_schema = ?', [schema]);
  return Number(found!.bytes);
}

async function load(db: Connection, single: boolean): Promise<number> {
  const digits = (length: number): string => Array.from({ length }, () => Math.floor(Math.random() * 10)).join('');
  let changes = 0;
  if (single) {
    for (let id = 1; id <= CHANGES / 10; id++, changes += 2) {
      await db.query(`INSERT INTO t VALUES (${id}, ${id}, '${digits(119)}', '${digits(59)}')`);
      await db.query(`UPDATE t SET k = k + 1 WHERE id = ${id}`);
    }
    return changes;
  }
  for (let id = 1; id <= CHANGES; id += PER_STATEMENT, changes += 3 * PER_STATEMENT) {
    const rows = Array.from({ length: PER_STATEMENT }, (_, at) => `(${id + at}, ${id + at}, '${digits(119)}', '${digits(59)}')`);
    await db.query(`INSERT INTO t VALUES ${rows.join(', ')}`);
    await db.query(`UPDATE t SET k = k + 1 WHERE id BETWEEN ${id} AND ${id + PER_STATEMENT - 1}`);
    await db.query(`DELETE FROM t WHERE id BETWEEN ${id} AND ${id + PER_STATEMENT - 1}`);
  }
  return changes;
}

for (const store of backups()) {
  for (const single of [false, true]) {
    await using scene = await Scene.open(source('mysql'), store);
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, k INT, c CHAR(120), pad CHAR(60)) CHARACTER SET latin1');
    await using daemon = await scene.startDaemon();
    await scene.db.query("INSERT INTO t VALUES (0, 0, '', '')");
    await scene.caughtUp();
    const before = [await bytes(scene.log, scene.ledger), await bytes(scene.log, scene.backupDatabase)] as const;
    const changes = await load(scene.db, single);
    await scene.caughtUp();
    const after = [await bytes(scene.log, scene.ledger), await bytes(scene.log, scene.backupDatabase)] as const;
    const each = (part: 0 | 1): number => Math.round((after[part] - before[part]) / changes);
    process.stdout.write(`${store.kind}, ${changes} row changes, ${single ? '1 row' : `${PER_STATEMENT} rows`} to a transaction: ${each(0)} bytes in the ledger, ${each(1)} in the goInception tables, each\n`);
    await daemon.stop();
  }
}
process.exit();
