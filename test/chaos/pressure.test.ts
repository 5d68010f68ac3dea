import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { startServer, type Flavour, type ServerKind } from '../../deploy/provision/index.ts';
import { formatPosition } from '../../src/core/position.ts';
import { World, binlogEnd, using } from '../faults/support/world.ts';
import { runCli } from '../support/daemon.ts';
import { source } from '../support/servers.ts';
import { MIB, residentMemory } from './support/memory.ts';

/** On each flavour. */
const SECONDS = Number(process.env.CHAOS_PRESSURE_SECONDS ?? 60);
/** Three times the largest event more would be allowed; no event of these rows is larger than 20 kB. */
const MOST_MEMORY = 256 * MIB;
const ROWS = 100;
/** About 1.2 MB of row images a statement. */
const CHANGE = `UPDATE t SET v = REPEAT(SHA2(RAND(), 256), 95) WHERE id <= ${ROWS}`;
const BACKUPS: Readonly<Record<Flavour, ServerKind>> = { mysql: 'mariadb-11.8', mariadb: 'mysql-9.7' };

/** @returns the number of transactions */
async function writeFullSpeed(world: World, seconds: number): Promise<number> {
  return using(world.source, async (connection) => {
    await connection.query(`USE ${world.schema}`);
    const end = Date.now() + seconds * 1000;
    let written = 0;
    for (; Date.now() < end; written++) await connection.query(CHANGE);
    return written;
  });
}

// In the short form both at once: the minute passes for both. The long form gives each the whole machine.
describe('pressure', { concurrency: process.env.CHAOS_PRESSURE_SECONDS === undefined }, () => {
  for (const flavour of ['mysql', 'mariadb'] as const) {
    it(`${flavour}: ${SECONDS} s of wide rows at full speed, the backup server stopped for a fifth of them`, async (context) => {
      await using backup = await startServer(BACKUPS[flavour]);
      await using world = await World.open(source(flavour), backup, 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v LONGTEXT)');
      await world.sql(`INSERT INTO t (v) VALUES ${Array(ROWS).fill("('')").join(', ')}`);
      const start = await binlogEnd(world.source);
      await using daemon = await world.start({ BINLOG_UNDO_START_POSITION: formatPosition(start) });
      const writing = writeFullSpeed(world, SECONDS);
      writing.catch(() => undefined);
      await pause((SECONDS * 2000) / 5);
      const before = residentMemory(daemon.pid);
      await backup.kill('SIGSTOP');
      await pause((SECONDS * 1000) / 5);
      const paused = residentMemory(daemon.pid);
      await backup.kill('SIGCONT');
      const written = await writing;
      await world.caughtUp(world.alias, 300 + 20 * SECONDS);
      const peak = daemon.peakMemory();
      context.diagnostic(`${written} transactions of ${ROWS} rows; resident ${Math.round(before / MIB)} MiB before the pause, ${Math.round(paused / MIB)} MiB at its end, ${Math.round(peak / MIB)} MiB at most`);
      assert.ok(peak < MOST_MEMORY, `${Math.round(peak / MIB)} MiB`);
      const [logged] = await world.ledgerRows('SELECT COUNT(DISTINCT ordinal) AS transactions, COUNT(DISTINCT opid) AS opids, SUM(updated) AS updated FROM operations');
      assert.deepEqual(Object.values(logged!).map(Number), [written, written, written * ROWS]);
      const [claim] = await world.ledgerRows('SELECT backup_database AS name FROM claims');
      const [projected] = await world.ledgerRows(`SELECT COUNT(*) AS found FROM \`${String(claim?.name)}\`.t`);
      assert.equal(Number(projected?.found), written * ROWS);
      const verified = await runCli(['verify'], world.env);
      assert.equal(verified.status, 0, verified.stdout + verified.stderr);
      await daemon.stop();
    });
  }
});
