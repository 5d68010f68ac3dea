import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { RowDataPacket } from 'mysql2/promise';
import { SERVER_KINDS, runTool, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { connect } from '../support/servers.ts';

async function query(server: RunningServer, sql: string): Promise<RowDataPacket[]> {
  const connection = await connect(server);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql);
    return rows;
  } finally {
    await connection.end();
  }
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Folders of servers that this process has now. */
function runFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('binlog-undo-server-') && ownerOf(name) === process.pid);
}

function ownerOf(folder: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(join(tmpdir(), folder, 'owner.json'), 'utf8')) as { owner: { pid: number } }).owner.pid;
  } catch {
    return undefined; // another process is removing it
  }
}

describe('a private server', () => {
  for (const kind of SERVER_KINDS) {
    it(`${kind}: has the promised settings, an empty binlog and named time zones`, async () => {
      await using server = await startServer(kind, { bufferPoolMiB: 64, serverId: 4242 });
      const rows = await query(server, `SELECT @@binlog_format AS format, @@binlog_row_image AS image, @@binlog_row_metadata AS metadata, @@server_id AS id,
        @@innodb_buffer_pool_size AS pool, @@bind_address AS address, CAST(CONVERT_TZ('2026-07-01 12:00:00', 'UTC', 'Europe/Berlin') AS CHAR) AS berlin`);
      assert.deepEqual({ ...rows[0] }, { format: 'ROW', image: 'FULL', metadata: 'FULL', id: 4242, pool: 64 << 20, address: '127.0.0.1', berlin: '2026-07-01 14:00:00' });
      const events = await query(server, 'SHOW BINLOG EVENTS');
      assert.ok(events.every((event) => !/CREATE|INSERT|GRANT/i.test(String(event['Info']))));
    });

    it(`${kind}: keeps committed rows over SIGKILL and restart, takes other options, and leaves nothing after stop`, async () => {
      const server = await startServer(kind, { logBin: false });
      const { pid, port, dataDir } = server;
      await query(server, 'CREATE DATABASE d');
      await query(server, 'CREATE TABLE d.t (id INT PRIMARY KEY)');
      await query(server, 'INSERT INTO d.t VALUES (7)');
      await server.kill('SIGKILL');
      assert.equal(server.pid, 0);
      assert.equal(alive(pid), false);
      await server.restart(['--max-connections=17']);
      assert.equal(server.port, port);
      assert.deepEqual((await query(server, 'SELECT id, @@max_connections AS n, @@log_bin AS b FROM d.t')).map((row) => ({ ...row })), [{ id: 7, n: 17, b: 0 }]);
      const last = server.pid;
      await server.stop();
      await server.stop();
      assert.equal(alive(last), false);
      assert.equal(existsSync(dataDir), false);
    });

    it(`${kind}: a port taken in between is noticed, never mistaken for a server that is ready`, async () => {
      await using server = await startServer(kind);
      await server.kill('SIGTERM');
      const squatter = createServer().listen(server.port, '127.0.0.1');
      await once(squatter, 'listening');
      await assert.rejects(server.restart(), new RegExp(`port ${server.port} was taken`));
      squatter.close();
      await once(squatter, 'close');
      await server.restart();
      assert.equal((await query(server, 'SELECT 1 AS one'))[0]?.['one'], 1);
    });
  }

  // A MariaDB that starts removes what it takes for left-over temporary tables: queries of others in the same folder failed, or crashed.
  it('servers that start leave the temporary tables of those that run alone', async () => {
    await using first = await startServer('mariadb-11.8', { bufferPoolMiB: 32 });
    const [found] = await query(first, 'SELECT @@tmpdir AS tmpdir');
    const inUse = join(String(found!.tmpdir), '#sql-temptable-1-1-0.MAI');
    writeFileSync(inUse, '');
    for (const kind of SERVER_KINDS) {
      await using other = await startServer(kind, { bufferPoolMiB: 32 });
      assert.ok(other.pid > 0);
      assert.ok(existsSync(inUse), kind);
    }
  });

  it('MySQL copies have an identity of their own', async () => {
    await using one = await startServer('mysql-9.7', { bufferPoolMiB: 32 });
    await using two = await startServer('mysql-9.7', { bufferPoolMiB: 32 });
    const uuids = await Promise.all([one, two].map(async (server) => (await query(server, 'SELECT @@server_uuid AS u'))[0]?.['u'] as string));
    assert.notEqual(uuids[0], uuids[1]);
  });

  it('takes options that are fixed when the data directory is made', async () => {
    await using server = await startServer('mysql-9.7', { initArgs: ['--lower-case-table-names=1'] });
    assert.equal((await query(server, 'SELECT @@lower_case_table_names AS n'))[0]?.['n'], 1);
  });

  it('that cannot start says what the server said and leaves nothing', async () => {
    const before = runFolders();
    await assert.rejects(startServer('mariadb-10.11', { args: ['--no-such-option'] }), /no-such-option/);
    assert.deepEqual(runFolders(), before);
  });
});

describe('tools', () => {
  it('the stock client runs a script from its input against each server', async () => {
    for (const kind of SERVER_KINDS) {
      await using server = await startServer(kind);
      const login = [`--host=${server.host}`, `--port=${server.port}`, `--user=${server.user}`, `--password=${server.password}`];
      const result = await runTool('mariadb-11.8', 'usr/bin/mariadb', ['--no-defaults', '--skip-ssl', '--batch', '--skip-column-names', ...login], { input: 'SELECT 6 * 7;' });
      assert.deepEqual(result, { status: 0, stdout: '42\n', stderr: '' });
    }
  });

  it('the binlog tools and sysbench start', async () => {
    for (const [kind, program] of [['mysql-9.7', 'usr/bin/mysqlbinlog'], ['mariadb-11.8', 'usr/bin/mariadb-binlog'], ['mariadb-10.11', 'usr/bin/mariadb-binlog'], ['sysbench', 'usr/bin/sysbench']] as const) {
      const result = await runTool(kind, program, ['--version']);
      assert.equal(result.status, 0, result.stderr);
    }
  });
});
