import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer } from '../../deploy/provision/index.ts';
import { openSessions } from '../../src/core/process-list.ts';
import { connect, query } from '../support/any-server.ts';
import type { Address } from '../support/daemon.ts';
import { sources, uniqueSchema } from '../support/servers.ts';

const LOOKS = 300;

const idOf = async (connection: Connection): Promise<number> => Number((await query(connection, 'SELECT CONNECTION_ID() AS id'))[0]!.id);

/** Executes prepared statements whose first value is no text, until told to stop. */
async function writeBlobs(server: Address, schema: string, until: AbortSignal): Promise<void> {
  const connection = await connect(server);
  const blob = Buffer.concat([Buffer.from([0x80]), Buffer.alloc(3000, 0xaa)]);
  while (!until.aborted) await connection.execute(`INSERT INTO ${schema}.b VALUES (?)`, [blob]);
  await connection.end();
}

async function finds(server: Address): Promise<void> {
  const schema = uniqueSchema('list');
  const own = await connect(server);
  const other = await connect(server);
  await own.query(`CREATE DATABASE ${schema}`);
  await own.query(`CREATE TABLE ${schema}.b (v MEDIUMBLOB)`);
  const over = new AbortController();
  const writers = [0, 1].map(() => writeBlobs(server, schema, over.signal));
  try {
    const ids = [await idOf(own), await idOf(other)];
    const gone = 2 ** 31;
    for (let i = 0; i < LOOKS; i++) {
      const found = await openSessions(own, [...ids, gone]);
      assert.deepEqual(found.map(({ id }) => id).sort((a, b) => a - b), ids.toSorted((a, b) => a - b));
    }
    const [session] = await openSessions(other, [ids[0]!]);
    assert.equal(session!.user, server.user);
    assert.match(session!.client, /^127\.0\.0\.1:\d+$/);
    assert.deepEqual(await openSessions(own, []), []);
  } finally {
    over.abort();
    await Promise.all(writers);
    await own.query(`DROP DATABASE ${schema}`);
    await other.end();
    await own.end();
  }
}

for (const server of sources()) {
  test(`${server.kind}: sessions are found while others write what is no text`, () => finds(server));
}

test('mysql-9.7 without performance_schema: sessions are found', async () => {
  await using server = await startServer('mysql-9.7', { bufferPoolMiB: 32, args: ['--performance-schema=OFF'] });
  await finds(server);
});
