import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer } from '../../deploy/provision/index.ts';
import { UndoError } from '../../src/core/errors.ts';
import { openConnection } from '../../src/core/mysql.ts';
import { currentBinlogPosition, probeServer } from '../../src/core/server.ts';
import { identify, judge } from '../../src/core/server-version.ts';
import { connect, sources, uniqueSchema, type SharedServer } from '../support/servers.ts';

async function asUser(server: Pick<SharedServer, 'host' | 'port'>, user: string, password: string): Promise<Connection> {
  return openConnection({ role: 'source', host: server.host, port: server.port, user, password: () => password, tls: null });
}

for (const server of sources()) {
  describe(`the probe of ${server.kind}`, () => {
    let connection: Connection;
    before(async () => {
      connection = await asUser(server, server.user, server.password);
    });
    after(async () => {
      await connection.end();
    });

    it('resolves the differences between servers', async () => {
      const caps = await probeServer(connection);
      const mysql = server.flavour === 'mysql';
      assert.equal(caps.flavour, server.flavour);
      assert.equal(caps.serverUuid !== null, mysql);
      assert.equal(caps.gtid, mysql ? 'mysql-on' : 'mariadb');
      assert.equal(caps.threadIdFrom, { 'mysql-9.7': 'begin', 'mariadb-11.8': 'gtid', 'mariadb-10.11': 'nowhere' }[server.kind as string] ?? caps.threadIdFrom);
      assert.deepEqual([caps.logBin, caps.binlogFormat, caps.rowImage, caps.rowMetadata, caps.rowsQuery], [true, 'ROW', 'FULL', 'FULL', true]);
      assert.equal(caps.isReplica, false);
      assert.ok(Math.abs(caps.clockOffset) <= caps.clockUncertainty + 1, 'the same machine has the same clock');
    });

    it('tells the end of the binlog with the GTID that belongs to it', async () => {
      const schema = uniqueSchema('core_server');
      const caps = await probeServer(connection);
      await connection.query(`CREATE DATABASE ${schema}`);
      const one = await currentBinlogPosition(connection, caps);
      await connection.query(`DROP DATABASE ${schema}`);
      const two = await currentBinlogPosition(connection, caps);
      assert.notDeepEqual([one.file, one.offset], [two.file, two.offset]);
      assert.notEqual(one.gtid, two.gtid);
      assert.match(two.gtid, caps.flavour === 'mysql' ? /^[0-9a-f-]{36}:1-\d+/ : /^\d+-\d+-\d+/);
    });

    it('needs no right of an account, except for the binlog position', async () => {
      const admin = await connect(server);
      const name = uniqueSchema('p').slice(0, 30);
      await admin.query(`CREATE USER '${name}'@'%' IDENTIFIED BY 'pw'`);
      const poor = await asUser(server, name, 'pw');
      try {
        const caps = await probeServer(poor);
        assert.equal(caps.isReplica, null);
        await assert.rejects(currentBinlogPosition(poor, caps), (error) => error instanceof UndoError && error.code === 'SOURCE_ACCESS_DENIED');
      } finally {
        await poor.end();
        await admin.query(`DROP USER '${name}'@'%'`);
        await admin.end();
      }
    });
  });
}

describe('a server without a binlog', () => {
  it('has no binlog position', async () => {
    await using server = await startServer('mariadb-11.8', { logBin: false, bufferPoolMiB: 32 });
    const connection = await asUser(server, server.user, server.password);
    const caps = await probeServer(connection);
    assert.equal(caps.logBin, false);
    await assert.rejects(currentBinlogPosition(connection, caps), (error) => error instanceof UndoError && error.code === 'SOURCE_NOT_READY');
    await connection.end();
  });
});

describe('versions', () => {
  const cases: readonly (readonly [string, Record<string, string>, string, string])[] = [
    ['9.7.4-2', { version_comment: '(Debian)' }, 'mysql', 'tested'],
    ['8.4.3', {}, 'mysql', 'untested'],
    ['8.0.36', { aurora_version: '3.08.0' }, 'mysql', 'untested'],
    ['8.0.36-28', { version_comment: 'Percona Server (GPL)' }, 'mysql', 'untested'],
    ['10.0.1', {}, 'mysql', 'untested'],
    ['5.7.44-log', {}, 'mysql', 'refused'],
    ['8.0.11-TiDB-v7.5.1', {}, 'mysql', 'refused'],
    ['8.0.30-Vitess', {}, 'mysql', 'refused'],
    ['5.7.25-OceanBase-v4.2.1', {}, 'mysql', 'refused'],
    ['11.8.6-MariaDB-0+deb13u1 from Debian-log', {}, 'mariadb', 'tested'],
    ['5.5.5-10.11.18-MariaDB-log', {}, 'mariadb', 'tested'],
    ['10.6.20-MariaDB', {}, 'mariadb', 'untested'],
    ['10.4.34-MariaDB', {}, 'mariadb', 'refused'],
    ['12.3.1-MariaDB', { binlog_storage_engine: '' }, 'mariadb', 'untested'],
    ['12.3.1-MariaDB', { binlog_storage_engine: 'innodb' }, 'mariadb', 'refused'],
  ];
  for (const [raw, given, flavour, level] of cases) {
    it(`${raw} ${JSON.stringify(given)} is ${level}`, () => {
      const variables = new Map(Object.entries(given));
      const found = identify(raw, variables);
      assert.equal(found.flavour, flavour);
      const support = judge(found.flavour, found.version, variables);
      assert.equal(support.level, level, support.reason);
    });
  }
});
