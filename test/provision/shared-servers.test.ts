import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RowDataPacket } from 'mysql2/promise';
import { backups, connect, sources, uniqueSchema } from '../support/servers.ts';

describe('shared servers', () => {
  for (const server of [...sources(), ...backups()]) {
    it(`${server.kind} is what it says and takes writes`, async () => {
      const connection = await connect(server);
      try {
        const schema = uniqueSchema('shared');
        await connection.query(`CREATE DATABASE ${schema}`);
        await connection.query(`DROP DATABASE ${schema}`);
        const [rows] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version, @@server_id AS serverId');
        assert.ok(String(rows[0]?.['version']).startsWith(server.version));
        assert.equal(/MariaDB/.test(server.version), server.flavour === 'mariadb');
      } finally {
        await connection.end();
      }
    });
  }

  it('are separate instances, sources and backups apart', () => {
    const addresses = [...sources(), ...backups()].map(({ host, port }) => `${host}:${port}`);
    const external = [...sources(), ...backups()].filter(({ kind }) => kind.endsWith('-dsn'));
    assert.equal(new Set(addresses).size + external.length / 2, addresses.length);
  });
});
