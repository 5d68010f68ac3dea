import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { startServer, type ServerKind } from '../../deploy/provision/index.ts';
import { ask, binlogEnd, using, World } from '../faults/support/world.ts';
import { formatPosition } from '../../src/core/position.ts';
import { PROCESS_LIST } from '../support/any-server.ts';
import { until } from '../support/until.ts';

/** Of the source, for whoever does not ask for another one. */
const TIMEOUT_SECONDS = 2;
/** More than the daemon and the sockets between hold: the server has to wait in the middle of an event. */
const ROWS = 120;
const KINDS: readonly (readonly [source: ServerKind, backup: ServerKind])[] = [['mysql-9.7', 'mariadb-11.8'], ['mariadb-11.8', 'mysql-9.7']];

for (const [kind, store] of KINDS) {
  test(`B3.32 B3.34 ${kind}: a backup server that stops for longer than the source's net_write_timeout ends no stream`, async () => {
    await using source = await startServer(kind, { args: [`--net-write-timeout=${TIMEOUT_SECONDS}`] });
    await using backup = await startServer(store);
    await using world = await World.open(source, backup, 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v LONGTEXT)');
    await using daemon = await world.start({ BINLOG_UNDO_START_POSITION: formatPosition(await binlogEnd(source)) });
    const dumps = async (): Promise<string[]> => (await ask(source, `SELECT id FROM ${PROCESS_LIST} WHERE command LIKE 'Binlog Dump%'`)).map(({ id }) => String(id));
    await until('the stream is open', async () => (await dumps()).length === 1);
    const [dump] = await dumps();
    const insert = "INSERT INTO t (v) VALUES (REPEAT('0123456789', 100000))";
    // What takes its time is done before the pause, which must stay shorter than the daemon's patience with its backup server.
    await using(source, async (session) => {
      await session.query(`USE ${world.schema}; START TRANSACTION`);
      for (let i = 0; i < ROWS; i++) await session.query(insert);
      await backup.kill('SIGSTOP');
      await session.query('COMMIT');
    });
    await pause(4 * TIMEOUT_SECONDS * 1000);
    assert.deepEqual(await dumps(), [dump], 'while it stands still');
    await backup.kill('SIGCONT');
    await world.caughtUp();
    assert.deepEqual(await dumps(), [dump], 'when all is in the log');
    const [found] = await world.ledgerRows('SELECT COUNT(DISTINCT opid) AS opids, SUM(inserted) AS inserted FROM operations');
    assert.deepEqual(Object.values(found!).map(Number), [ROWS, ROWS]);
    await daemon.stop();
  });
}
