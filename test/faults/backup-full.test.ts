import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../../deploy/provision/index.ts';
import { serverErrorNumber } from '../../src/core/mysql.ts';
import { comparePositions } from '../../src/core/position.ts';
import { source } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { World, ask, binlogEnd, using, type Endpoint } from './support/world.ts';

const TABLE_FULL = 1114;
/** About 2.5 MB of row images that do not pack well. */
const WIDE = "INSERT INTO t (v) SELECT REPEAT(CONCAT(SHA2(UUID(), 512), RAND()), 90) FROM information_schema.collations LIMIT 200";

/** Takes all the room that there is, down to the last pages. */
async function fill(server: Endpoint): Promise<void> {
  await using(server, async (connection) => {
    await connection.query('CREATE DATABASE ballast; CREATE TABLE ballast.t (b LONGBLOB)');
    for (const bytes of [1 << 20, 1 << 16]) {
      for (;;) {
        try {
          await connection.query('INSERT INTO ballast.t VALUES (RANDOM_BYTES(1)), (REPEAT(?, ?))', ['x', bytes]);
        } catch (error) {
          assert.equal(serverErrorNumber(error), TABLE_FULL, String(error));
          break;
        }
      }
    }
  });
}

/** All tables in one file that must not grow beyond this: what a full disk is to the server. */
const room = (mebibytes: number): string[] => ['--innodb-file-per-table=OFF', `--innodb-data-file-path=ibdata1:12M:autoextend:max:${mebibytes}M`];

test('mysql-9.7: a backup server without room is tried again until there is some, and nothing is lost or twice', async () => {
  await using server = await startServer('mysql-9.7', { bufferPoolMiB: 64, args: room(128) });
  await using world = await World.open(source('mysql'), server, 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v TEXT)');
  const start = await binlogEnd(world.source);
  await using daemon = await world.start();
  await world.sql("INSERT INTO t (v) VALUES ('a'), ('b')");
  await world.caughtUp();
  await fill(server);
  for (let i = 0; i < 3; i++) await world.sql(`${WIDE}; UPDATE t SET v = 'c' WHERE id < 3; DELETE FROM t WHERE id > 10 LIMIT 20`);
  // Not once: it goes on trying.
  await until('it was refused twice', () => daemon.lines.filter((line) => line.event === 'session_ended' && /1114.*make room/.test(JSON.stringify(line))).length >= 2);
  await ask(server, 'DROP DATABASE ballast');
  await world.caughtUp();
  await daemon.stop();
  await world.equalsUndisturbed(start);
});

// mariadbd refuses as well, or goes down, as it happens to be asked: no table can give room back to it either, so that it gets more.
test('mariadb-11.8: a backup server without room, which may go down over it, has nothing lost or twice once it has some', async () => {
  await using server = await startServer('mariadb-11.8', { bufferPoolMiB: 64, logBin: false, args: room(64) });
  await using world = await World.open(source('mariadb'), server, 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v TEXT)');
  const start = await binlogEnd(world.source);
  await using daemon = await world.start();
  await world.sql("INSERT INTO t (v) VALUES ('a'), ('b')");
  await world.caughtUp();
  const isFull = (): boolean => server.pid === 0 || daemon.lines.filter((line) => line.event === 'session_ended' && /1114.*make room/.test(JSON.stringify(line))).length >= 2;
  while (!isFull()) {
    await world.sql(`${WIDE}; UPDATE t SET v = 'c' WHERE id < 3; DELETE FROM t WHERE id > 10 LIMIT 20`);
    const end = await binlogEnd(world.source);
    // No more is written than it takes; who asks a server that goes down is told so.
    await until('it is taken, or there is no room', async () => {
      const checkpoint = await world.checkpoint().catch(() => null);
      return isFull() || (checkpoint !== null && comparePositions(checkpoint.position, end) >= 0);
    });
  }
  await server.restart(room(4096));
  await world.caughtUp();
  await daemon.stop();
  await world.equalsUndisturbed(start);
});
