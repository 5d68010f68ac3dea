import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { freePort } from '../../deploy/provision/index.ts';
import { UndoError } from '../../src/core/errors.ts';
import { openConnection, row, rows, run, scalar, type ServerEndpoint } from '../../src/core/mysql.ts';
import { connect, sources, uniqueSchema, type SharedServer } from '../support/servers.ts';

function endpoint(server: Pick<SharedServer, 'host' | 'port' | 'user' | 'password'>, role: ServerEndpoint['role'] = 'source'): ServerEndpoint {
  return { role, host: server.host, port: server.port, user: server.user, password: () => server.password, tls: null };
}

async function failure(attempt: Promise<unknown>): Promise<UndoError> {
  try {
    await attempt;
  } catch (error) {
    assert.ok(error instanceof UndoError, String(error));
    return error;
  }
  assert.fail('the attempt succeeded');
}

for (const server of sources()) {
  describe(`a connection to ${server.kind}`, () => {
    const schema = uniqueSchema('core_mysql');
    let connection: Connection;

    before(async () => {
      connection = await openConnection(endpoint(server));
      await run(connection, `CREATE DATABASE ${schema}`);
      await run(connection, `CREATE TABLE ${schema}.t (id BIGINT UNSIGNED PRIMARY KEY, n DECIMAL(30,5), j JSON, d DATETIME(6), s TIMESTAMP(6) NULL, v TEXT) CHARACTER SET utf8mb4`);
    });

    after(async () => {
      await run(connection, `DROP DATABASE ${schema}`);
      await connection.end();
    });

    it('gives values as exact text', async () => {
      const text = 'back\\slash \'quote\' \u{1F600} \n';
      await run(connection, `INSERT INTO ${schema}.t VALUES (?, ?, ?, ?, ?, ?)`,
        ['18446744073709551615', '1234567890123456789012345.12345', '{"a": 1.0}', '2026-11-01 05:30:00.123456', '2026-11-01 05:30:00.123456', text]);
      assert.deepEqual({ ...await row(connection, `SELECT * FROM ${schema}.t`) }, {
        id: '18446744073709551615', n: '1234567890123456789012345.12345', j: '{"a": 1.0}',
        d: '2026-11-01 05:30:00.123456', s: '2026-11-01 05:30:00.123456', v: text,
      });
      assert.equal(await scalar(connection, `SELECT UNIX_TIMESTAMP(s) FROM ${schema}.t`), '1793511000.123456', 'the session is in UTC');
    });

    it('counts matched rows, changed or not', async () => {
      assert.equal((await run(connection, `UPDATE ${schema}.t SET v = v`)).affectedRows, 1);
    });

    it('refuses a second statement in one call', async () => {
      await assert.rejects(rows(connection, 'SELECT 1; SELECT 2'), /syntax/);
    });

    it('refuses LOCAL INFILE', async () => {
      await assert.rejects(run(connection, `LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE ${schema}.t`));
      assert.equal(Number(await scalar(await reopened(), 'SELECT 1')), 1);
    });

    it('gives no file away where LOCAL INFILE is asked for', async () => {
      const setting = Number(await scalar(connection, 'SELECT @@global.local_infile'));
      await run(connection, 'SET GLOBAL local_infile = 1');
      const local = await openConnection(endpoint(server), { localFiles: true });
      // What the server asks for by name comes from a stream of the statement, or not at all.
      await assert.rejects(run(local, `LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE ${schema}.t (v)`), /streamFactory/);
      local.destroy();
      await run(connection, `SET GLOBAL local_infile = ${setting}`);
      assert.equal(Number(await scalar(connection, `SELECT COUNT(*) FROM ${schema}.t`)), 1);
    });

    async function reopened(): Promise<Connection> {
      connection.destroy();
      connection = await openConnection(endpoint(server));
      return connection;
    }

    it('pins its session', async () => {
      assert.equal(await scalar(connection, 'SELECT @@session.sql_mode'), 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION');
      assert.equal(await scalar(connection, 'SELECT @@session.time_zone'), '+00:00');
      assert.equal(await scalar(connection, 'SELECT @@session.character_set_client'), 'utf8mb4');
    });

    it('does not end the process when it is killed while idle', async () => {
      const victim = await openConnection(endpoint(server));
      const ended = new Promise((resolve) => victim.on('end', resolve));
      await run(connection, `KILL ${victim.threadId}`);
      await ended;
      await assert.rejects(rows(victim, 'SELECT 1'));
    });

    for (const role of ['source', 'backup'] as const) {
      it(`names a refused account of the ${role}, not its password`, async () => {
        const wrong = { ...endpoint(server, role), user: 'nobody', password: () => 'sesame' };
        const error = await failure(openConnection(wrong));
        assert.equal(error.code, `${role.toUpperCase()}_ACCESS_DENIED`);
        assert.match(error.message, new RegExp(`${server.host}:${server.port} refused user "nobody"`));
        assert.doesNotMatch(error.oneLine(), /sesame/);
      });
    }

    it('asks for the password at each connect', async () => {
      const admin = await connect(server);
      const name = uniqueSchema('u').slice(0, 30);
      let password = 'first';
      await admin.query(`CREATE USER '${name}'@'%' IDENTIFIED BY 'second'`);
      const changing = { ...endpoint(server), user: name, password: () => password };
      assert.equal((await failure(openConnection(changing))).code, 'SOURCE_ACCESS_DENIED');
      password = 'second';
      await (await openConnection(changing)).end();
      await admin.query(`DROP USER '${name}'@'%'`);
      await admin.end();
    });
  });
}

describe('a server that is not there', () => {
  const nobody = { role: 'backup', host: '127.0.0.1', port: 1, user: 'u', password: () => 'sesame', tls: null } satisfies ServerEndpoint;

  it('is named with host, port and user', async () => {
    const error = await failure(openConnection({ ...nobody, port: await freePort() }));
    assert.equal(error.code, 'BACKUP_UNREACHABLE');
    assert.match(error.message, /at 127\.0\.0\.1:\d+ cannot be reached as user "u": .*ECONNREFUSED/);
  });

  it('is given up after the connect timeout when it accepts and says nothing', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    assert.ok(address !== null && typeof address === 'object');
    const error = await failure(openConnection({ ...nobody, role: 'source', port: address.port }, { connectTimeout: 50 }));
    assert.equal(error.code, 'SOURCE_UNREACHABLE');
    assert.match(error.message, /ETIMEDOUT/);
    silent.close();
  });

  it('is told apart from one without TLS, with the setting to look at', async () => {
    const plain = sources().find((server) => server.kind === 'mariadb-10.11');
    if (plain === undefined) return;
    const error = await failure(openConnection({ ...endpoint(plain), tls: { ca: null, cert: null, key: null, verify: true } }));
    assert.equal(error.code, 'SOURCE_UNREACHABLE');
    assert.match(error.fix, /BINLOG_UNDO_SOURCE_TLS_CA/);
  });

  it('is not asked when a TLS file cannot be read', async () => {
    const error = await failure(openConnection({ ...nobody, tls: { ca: '/nowhere/ca.pem', cert: null, key: null, verify: true } }));
    assert.equal(error.code, 'CONFIG_INVALID');
  });
});
