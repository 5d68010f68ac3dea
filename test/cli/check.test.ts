import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createConnection, type Connection } from 'mysql2/promise';
import { SERVER_KINDS, freePort, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { renderCheck } from '../../src/cli/check/render.ts';
import { checkExitCode, type CheckReport, type Finding } from '../../src/cli/check/report.ts';
import { runCheck } from '../../src/cli/check/run-check.ts';
import { loadConfig } from '../../src/config/load.ts';

const ACCOUNT = { user: 'undo', password: 'undo-pw' };

/** Runs the check as a user would before any configuration file exists. */
function check(source: RunningServer, backup: RunningServer | null, env: Record<string, string> = {}): Promise<CheckReport> {
  const named = (role: string, server: RunningServer): Record<string, string> => ({
    [`BINLOG_UNDO_${role}_HOST`]: server.host,
    [`BINLOG_UNDO_${role}_PORT`]: String(server.port),
    [`BINLOG_UNDO_${role}_USER`]: ACCOUNT.user,
    [`BINLOG_UNDO_${role}_PASSWORD`]: ACCOUNT.password,
  });
  return runCheck(loadConfig({ env: { ...named('SOURCE', source), ...(backup && named('BACKUP', backup)), ...env }, needs: ['source'] }));
}

function admin(server: RunningServer): Promise<Connection> {
  return createConnection({ host: server.host, port: server.port, user: server.user, password: server.password });
}

const codes = (report: CheckReport, severity: Finding['severity']): string[] =>
  report.findings.filter((finding) => finding.severity === severity).map((finding) => finding.code).sort();

/** Runs what the report prints, on the server that it names, each finding's statements in their order. */
async function mend(report: CheckReport, servers: Partial<Record<Finding['on'], Connection>>): Promise<void> {
  for (const finding of report.findings) {
    for (const statement of finding.mend.sql) await servers[finding.on]?.query(statement);
  }
}

/** The my.cnf lines of a finding as server options. */
const asOptions = (finding: Finding): string[] =>
  finding.mend.cnf.map((line) => `--${line.replace(/\s*=\s*/, '=').replace(/^\w+/, (name) => name.replaceAll('_', '-'))}`);

for (const kind of SERVER_KINDS) {
  const mysql = kind.startsWith('mysql');

  describe(`check of a badly set up ${kind}`, () => {
    let source: RunningServer;
    let backup: RunningServer;
    let onSource: Connection;
    let onBackup: Connection;

    before(async () => {
      const bad = ['--binlog-format=STATEMENT', '--binlog-row-image=MINIMAL', ...(mysql
        ? ['--binlog-row-metadata=MINIMAL', '--binlog-rows-query-log-events=OFF', '--binlog-row-value-options=PARTIAL_JSON', '--binlog-transaction-compression=ON', '--binlog-expire-logs-seconds=3600']
        : ['--binlog-row-metadata=NO_LOG', '--binlog-annotate-row-events=OFF', '--log-bin-compress=ON', '--binlog-expire-logs-seconds=3600'])];
      source = await startServer(kind, { gtid: !mysql, bufferPoolMiB: 32, args: bad });
      backup = await startServer(kind, { bufferPoolMiB: 32, args: ['--read-only=ON', '--max-allowed-packet=4M'] });
      onSource = await admin(source);
      onBackup = await admin(backup);
      await onBackup.query('SET GLOBAL read_only = OFF');
      for (const connection of [onSource, onBackup]) await connection.query(`CREATE USER '${ACCOUNT.user}'@'%' IDENTIFIED BY '${ACCOUNT.password}'`);
      await onBackup.query('SET GLOBAL read_only = ON');
    });

    after(async () => {
      await onSource.end();
      await onBackup.end();
      await source.stop();
      await backup.stop();
    });

    it('names each fault with its value, and is content when the printed SQL has been run', async () => {
      const bad = await check(source, backup);
      assert.equal(checkExitCode(bad), 1);
      assert.deepEqual(codes(bad, 'fault'), [
        'BACKUP_READ_ONLY', 'BINLOG_FORMAT',
        ...(mysql ? ['RIGHTS_BACKUP', 'RIGHTS_LEDGER', 'RIGHT_REPLICATION_CLIENT'] : ['RIGHTS_BACKUP', 'RIGHTS_LEDGER', 'RIGHT_BINLOG_MONITOR']),
        'RIGHT_REPLICATION_SLAVE', 'RIGHT_SELECT', 'ROW_IMAGE',
      ].sort());
      assert.deepEqual(codes(bad, 'warning'), ['EXPIRY', ...(mysql ? ['GTID'] : []), 'MAX_ALLOWED_PACKET', ...(mysql ? ['PARTIAL_JSON'] : []), 'RIGHTS_SCRATCH', 'RIGHT_PROCESS', 'ROW_METADATA', 'SQL_TEXT'].sort());
      assert.equal(bad.findings.find((finding) => finding.code === 'BINLOG_FORMAT')?.found, 'binlog_format = STATEMENT');
      const text = renderCheck(bad);
      for (const finding of bad.findings) for (const statement of finding.mend.sql) assert.ok(text.includes(statement), statement);
      assert.doesNotMatch(text + JSON.stringify(bad), /undo-pw/);

      await mend(bad, { source: onSource, backup: onBackup });
      const good = await check(source, backup);
      assert.deepEqual([codes(good, 'fault'), codes(good, 'warning'), good.ready, checkExitCode(good)], [[], [], true, 0], renderCheck(good));
      assert.match(renderCheck(good), /Ready: 0 faults, 0 warnings\.\n$/);
    });

    it('names a server id that is in use', async () => {
      const report = await check(source, backup, { BINLOG_UNDO_SOURCE_SERVER_ID: String(source.port) });
      const [fault] = report.findings;
      assert.equal(fault?.code, 'SERVER_ID_FREE');
      assert.match(fault.found, new RegExp(`${source.port} is the source's own`));
    });

    it('names schemas whose backup databases would be too long or the same', async () => {
      const long = 's'.repeat(60);
      const names = [long, 'a-b', 'a_b'];
      for (const name of names) await onSource.query(`CREATE DATABASE \`${name}\``);
      const bad = await check(source, backup);
      assert.deepEqual(codes(bad, 'fault'), ['BACKUP_DATABASE_CLAIMED', 'BACKUP_NAME_TOO_LONG']);
      assert.match(renderCheck(bad), /a-b and a_b would share a backup database/);
      assert.deepEqual(codes(await check(source, backup, { BINLOG_UNDO_EXCLUDE_DATABASE: `${long},a-b` }), 'fault'), []);
      for (const name of names) await onSource.query(`DROP DATABASE \`${name}\``);
    });

    it('asks for SELECT on the included databases only', async () => {
      await onSource.query(`REVOKE SELECT ON *.* FROM '${ACCOUNT.user}'@'%'`);
      const env = { BINLOG_UNDO_INCLUDE_DATABASE: 'shop_a', BINLOG_UNDO_INCLUDE_TABLE: 'shop_b.t' };
      const bad = await check(source, backup, env);
      assert.deepEqual(codes(bad, 'fault'), ['RIGHT_SELECT']);
      assert.match(bad.findings[0]?.found ?? '', /lacks SELECT on `shop_a`, `shop_b`/);
      await mend(bad, { source: onSource });
      assert.deepEqual(codes(await check(source, backup, env), 'fault'), []);
      assert.deepEqual(codes(await check(source, backup), 'warning'), ['RIGHT_SELECT'], 'some databases stay unseen');
    });
  });

  describe(`check of a ${kind} that is a replica without a binlog, named as its own backup server`, () => {
    it('prints the my.cnf lines that mend what can be mended', async () => {
      await using server = await startServer(kind, { logBin: false, gtid: false, bufferPoolMiB: 32, args: [mysql ? '--log-replica-updates=OFF' : '--log-slave-updates=OFF'] });
      const setUp = await admin(server);
      await setUp.query(`CREATE USER '${ACCOUNT.user}'@'%' IDENTIFIED BY '${ACCOUNT.password}'`);
      await setUp.query(`GRANT ALL ON *.* TO '${ACCOUNT.user}'@'%'`);
      // A channel that was never started makes a replica as well.
      await setUp.query(mysql ? "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1" : "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1");
      await setUp.end();
      const bad = await check(server, server);
      // MariaDB's own default is MIXED.
      assert.deepEqual(codes(bad, 'fault'), ['BACKUP_IS_REPLICA', ...(mysql ? [] : ['BINLOG_FORMAT']), 'LOG_BIN', 'LOG_REPLICA_UPDATES']);
      assert.ok(codes(bad, 'info').includes('BACKUP_ON_SOURCE'));
      assert.ok(codes(bad, 'info').includes('SOURCE_IS_REPLICA'));
      await server.restart(bad.findings.filter((finding) => finding.severity === 'fault').flatMap(asOptions));
      const again = await admin(server);
      await mend(bad, { source: again, backup: again });
      await again.end();
      assert.deepEqual(codes(await check(server, server), 'fault'), ['BACKUP_IS_REPLICA']);
    });
  });
}

describe('check of servers that cannot be reached', () => {
  it('tells both, and how to make the accounts', async () => {
    await using server = await startServer('mariadb-11.8', { bufferPoolMiB: 32 });
    const port = await freePort();
    const report = await check(server, null, { BINLOG_UNDO_BACKUP_HOST: '127.0.0.1', BINLOG_UNDO_BACKUP_PORT: String(port), BINLOG_UNDO_BACKUP_USER: 'x' });
    assert.deepEqual(codes(report, 'fault'), ['BACKUP_UNREACHABLE', 'SOURCE_ACCESS_DENIED']);
    const denied = report.findings.find((finding) => finding.code === 'SOURCE_ACCESS_DENIED');
    const connection = await admin(server);
    for (const statement of denied?.mend.sql ?? []) await connection.query(statement.replace('<password>', ACCOUNT.password));
    await connection.end();
    assert.deepEqual(codes(await check(server, null), 'fault'), ['CONFIG_BACKUP_MISSING']);
  });
});
