import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SERVER_KINDS, freePort, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { runCli, serverEnvironment } from '../support/daemon.ts';
import { backup, connect, uniqueSchema } from '../support/servers.ts';

const LEDGER = uniqueSchema('bad_input');

/** `run` must end by itself with one line: the code, the value, the way out. */
async function refused(env: Record<string, string>, status: number, line: RegExp, args: readonly string[] = []): Promise<void> {
  const result = await runCli(['run', ...args], { BINLOG_UNDO_ADMIN_PORT: '0', BINLOG_UNDO_LEDGER: LEDGER, ...env });
  const said = result.stderr.split('\n').filter((text) => text !== '' && !text.startsWith('{'));
  assert.equal(said.length, 1, result.stderr);
  assert.match(said[0]!, line);
  assert.equal(result.status, status);
  assert.equal(result.stdout, '');
  assert.doesNotMatch(result.stderr, /^\s+at |node:internal|very-secret/m);
}

for (const kind of SERVER_KINDS) describe(`run against a ${kind} that does not fit`, () => {
  const flavour = kind.startsWith('mysql') ? 'mysql' : 'mariadb';
  let source: RunningServer;
  let env: Record<string, string>;

  before(async () => {
    source = await startServer(kind, { bufferPoolMiB: 32 });
    env = { ...serverEnvironment('SOURCE', source), ...serverEnvironment('BACKUP', backup(flavour)) };
  });
  after(async () => {
    await source.stop();
    const connection = await connect(backup(flavour));
    await connection.query(`DROP DATABASE IF EXISTS ${LEDGER}`);
    await connection.end();
  });

  it('refuses wrong credentials of the source', () => refused({ ...env, BINLOG_UNDO_SOURCE_PASSWORD: 'very-secret' }, 1, /^binlog-undo: SOURCE_ACCESS_DENIED: .*127\.0\.0\.1:\d+.*BINLOG_UNDO_SOURCE_USER/));
  it('refuses wrong credentials of the backup server', () => refused({ ...env, BINLOG_UNDO_BACKUP_USER: 'nobody', BINLOG_UNDO_BACKUP_PASSWORD: 'very-secret' }, 1, /^binlog-undo: BACKUP_ACCESS_DENIED: .*BINLOG_UNDO_BACKUP_USER/));

  it('names servers that are not there', async () => {
    const port = String(await freePort());
    await refused({ ...env, BINLOG_UNDO_SOURCE_PORT: port }, 1, new RegExp(`^binlog-undo: SOURCE_UNREACHABLE: .*127\\.0\\.0\\.1:${port}`));
    await refused({ ...env, BINLOG_UNDO_BACKUP_PORT: port }, 1, new RegExp(`^binlog-undo: BACKUP_UNREACHABLE: .*127\\.0\\.0\\.1:${port}`));
    await refused({ ...env, BINLOG_UNDO_SOURCE_HOST: 'no-such-host.invalid' }, 1, /^binlog-undo: SOURCE_UNREACHABLE: .*no-such-host\.invalid/);
  });


  it('refuses start positions that are none', async () => {
    await refused({ ...env, BINLOG_UNDO_START_POSITION: 'binlog.999999:4', BINLOG_UNDO_SOURCE_ALIAS: 'p1' }, 3, /binlog\.999999/);
    const connection = await connect(source);
    const [files] = await connection.query('SHOW BINARY LOGS');
    await connection.end();
    const { Log_name: file } = (files as { Log_name: string }[])[0]!;
    await refused({ ...env, BINLOG_UNDO_START_POSITION: `${file}:999999999`, BINLOG_UNDO_SOURCE_ALIAS: 'p2' }, 3, /999999999/);
    await refused({ ...env, BINLOG_UNDO_START_POSITION: `${file}:130`, BINLOG_UNDO_SOURCE_ALIAS: 'p5' }, 2, /^binlog-undo: POSITION_INVALID: .*:130 /);
  });

  it('refuses a ledger of another version', async () => {
    const connection = await connect(backup(flavour), { multipleStatements: true });
    const ledger = `${LEDGER}_v99_${source.port}`;
    await connection.query(`CREATE DATABASE ${ledger}; CREATE TABLE ${ledger}.binlog_undo_ledger (version INT PRIMARY KEY, compatible_from INT, created DATETIME); INSERT INTO ${ledger}.binlog_undo_ledger VALUES (99, 99, NOW())`);
    try {
      await refused({ ...env, BINLOG_UNDO_LEDGER: ledger }, 1, /^binlog-undo: LEDGER_VERSION: .*99/);
    } finally {
      await connection.query(`DROP DATABASE ${ledger}`);
      await connection.end();
    }
  });

  it('says which right is missing', async () => {
    const connection = await connect(source, { multipleStatements: true });
    await connection.query("CREATE USER poor@'%' IDENTIFIED BY 'very-secret'; GRANT SELECT ON *.* TO poor@'%'");
    await connection.end();
    await refused({ ...env, BINLOG_UNDO_SOURCE_USER: 'poor', BINLOG_UNDO_SOURCE_PASSWORD: 'very-secret', BINLOG_UNDO_SOURCE_ALIAS: 'p4' }, 1, /^binlog-undo: SOURCE_ACCESS_DENIED: .*(REPLICATION|BINLOG MONITOR|privilege)/i);
  });

  it('wants a backup account that may write', async () => {
    const connection = await connect(backup(flavour), { multipleStatements: true });
    const user = `reader_${source.port}`;
    await connection.query(`CREATE USER ${user}@'%' IDENTIFIED BY 'very-secret'; GRANT SELECT ON *.* TO ${user}@'%'`);
    try {
      await refused({ ...env, BINLOG_UNDO_BACKUP_USER: user, BINLOG_UNDO_BACKUP_PASSWORD: 'very-secret', BINLOG_UNDO_LEDGER: `${LEDGER}_none` }, 1, /^binlog-undo: BACKUP_(ACCESS_DENIED|NOT_READY): /);
    } finally {
      await connection.query(`DROP USER ${user}@'%'`);
      await connection.end();
    }
  });

  it('refuses statement format and partial images', async () => {
    const connection = await connect(source);
    await connection.query("SET GLOBAL binlog_format = 'STATEMENT'");
    await refused(env, 1, /^binlog-undo: SOURCE_NOT_READY: .*binlog_format=STATEMENT.*SET GLOBAL binlog_format/);
    await connection.query("SET GLOBAL binlog_format = 'ROW'");
    await connection.query("SET GLOBAL binlog_row_image = 'MINIMAL'");
    await refused(env, 1, /^binlog-undo: SOURCE_NOT_READY: .*binlog_row_image=MINIMAL.*SET GLOBAL binlog_row_image/);
    await connection.query("SET GLOBAL binlog_row_image = 'FULL'");
    await connection.end();
  });

  it('refuses a server without a binlog', async () => {
    await using silent = await startServer(kind, { bufferPoolMiB: 32, logBin: false });
    await refused({ ...env, ...serverEnvironment('SOURCE', silent) }, 1, /^binlog-undo: SOURCE_NOT_READY: .*log_bin/);
  });
});

describe('run with a configuration that does not parse', () => {
  // No server is asked before the configuration is whole.
  const nowhere = { host: '127.0.0.1', port: 1, user: 'undo', password: 'very-secret' };
  const SOURCE = serverEnvironment('SOURCE', nowhere);
  const BACKUP = serverEnvironment('BACKUP', nowhere);

  it('wants a backup server', () => refused(SOURCE, 2, /^binlog-undo: CONFIG_BACKUP_MISSING: .*BINLOG_UNDO_BACKUP_HOST/));
  it('wants a source', () => refused(BACKUP, 2, /^binlog-undo: CONFIG_INVALID: .*BINLOG_UNDO_SOURCE_HOST/));
  it('knows no other names', async () => {
    await refused({ ...SOURCE, ...BACKUP, BINLOG_UNDO_SOURCE_HOTS: 'x' }, 2, /^binlog-undo: CONFIG_UNKNOWN_KEY: .*BINLOG_UNDO_SOURCE_HOTS.*BINLOG_UNDO_SOURCE_HOST/);
    await refused({ ...SOURCE, ...BACKUP }, 2, /^binlog-undo: (USAGE|CONFIG_UNKNOWN_KEY): .*--source-hots/, ['--source-hots', 'x']);
  });
  it('knows what a position is', () => refused({ ...SOURCE, ...BACKUP, BINLOG_UNDO_START_POSITION: 'yesterday' }, 2, /^binlog-undo: CONFIG_INVALID: .*yesterday/));
});
