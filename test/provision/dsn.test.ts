import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProvisionError, externalServer, formatDsn, freePort, parseDsn, startServer } from '../../deploy/provision/index.ts';

describe('servers named by the environment', () => {
  it('a DSN is read and written with every character a password may have', () => {
    const server = { host: '127.0.0.1', port: 33084, user: 'us:er', password: 'p@ss/w%rd#?' };
    assert.deepEqual(parseDsn(formatDsn(server), 'X'), server);
    assert.deepEqual(parseDsn('mysql://root:@[::1]/', 'X'), { host: '::1', port: 3306, user: 'root', password: '' });
    assert.equal(formatDsn({ host: '::1', port: 1, user: 'u', password: '' }), 'mysql://u:@[::1]:1/');
  });

  it('a malformed DSN is refused without showing its password', () => {
    for (const dsn of ['secret', 'http://u:secret@h/', 'mysql://:secret@h/', 'mysql://u:secret@h:port/']) {
      assert.throws(() => parseDsn(dsn, 'TEST_MYSQL_DSN'), (error) => error instanceof ProvisionError && error.message.includes('TEST_MYSQL_DSN') && !error.message.includes('secret'));
    }
  });

  it('nothing named is nothing found', async () => {
    assert.equal(await externalServer('mysql', {}), undefined);
  });

  it('a server is used as it is, under its own kind, and the wrong flavour is refused', async () => {
    await using server = await startServer('mariadb-10.11');
    const dsn = formatDsn(server);
    const found = await externalServer('mariadb', { TEST_MARIADB_DSN: dsn });
    assert.equal(found?.kind, 'mariadb-dsn');
    assert.ok(found.version.startsWith(server.version));
    assert.equal(found.port, server.port);
    await assert.rejects(externalServer('mysql', { TEST_MYSQL_DSN: dsn }), /TEST_MYSQL_DSN names a mariadb server/);
  });

  it('a server that is not there is an error, not a reason to take another', async () => {
    const dsn = `mysql://u:secret@127.0.0.1:${await freePort()}/`;
    await assert.rejects(externalServer('mysql', { TEST_MYSQL_DSN: dsn }), (error) => error instanceof ProvisionError && /cannot be reached/.test(error.message) && !error.message.includes('secret'));
  });
});
