import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { UndoError } from '../../src/core/errors.ts';
import { openConnection } from '../../src/core/mysql.ts';
import { LEDGER_COMPATIBLE_FROM, LEDGER_VERSION } from '../../src/store/ledger-schema.ts';
import { createLedger, Ledger, readLedgerMark, requireLedger } from '../../src/store/ledger.ts';
import { MIGRATIONS, migrateLedger, type Migration } from '../../src/store/migrate.ts';
import { runCli, serverEnvironment } from '../support/daemon.ts';
import { backup, uniqueSchema } from '../support/servers.ts';

const refusedAs = (code: string, message: RegExp) => (error: unknown): boolean =>
  error instanceof UndoError && error.code === code && message.test(error.oneLine());

for (const server of [backup('mysql'), backup('mariadb')]) describe(`ledger versions on ${server.kind}`, () => {
  const ledger = new Ledger(uniqueSchema('ledger'));
  let connection: Connection;
  const env = { ...serverEnvironment('BACKUP', server), ...serverEnvironment('SOURCE', server), BINLOG_UNDO_SOURCE_ALIAS: 'x', BINLOG_UNDO_LEDGER: ledger.name, BINLOG_UNDO_ADMIN_PORT: '0' };
  const mark = (version: number, compatibleFrom: number) =>
    connection.query(`UPDATE ${ledger.table('binlog_undo_ledger')} SET version = ?, compatible_from = ?`, [version, compatibleFrom]);

  before(async () => {
    connection = await openConnection({ role: 'backup', host: server.host, port: server.port, user: server.user, password: () => server.password, tls: null });
  });
  after(async () => {
    await connection.query(`DROP DATABASE IF EXISTS \`${ledger.name}\``);
    await connection.end();
  });

  it('has a step for every version since the first', () => {
    assert.deepEqual(MIGRATIONS.map(({ version }) => version), Array.from({ length: LEDGER_VERSION - 1 }, (_, i) => i + 2));
    assert.ok([0, 1].includes(LEDGER_VERSION - LEDGER_COMPATIBLE_FROM));
  });

  it('is made whole where there is none, and migrate never makes one', async () => {
    assert.equal((await runCli(['migrate'], env)).stderr.includes('LEDGER_MISSING'), true);
    const early = await runCli(['migrate', '--if-exists'], env);
    assert.deepEqual([early.status, await readLedgerMark(connection, ledger)], [0, null], early.stderr);
    await createLedger(connection, ledger);
    assert.deepEqual(await readLedgerMark(connection, ledger), { version: LEDGER_VERSION, compatibleFrom: LEDGER_COMPATIBLE_FROM });
    const again = await runCli(['migrate'], env);
    assert.equal(again.status, 0, again.stderr);
    assert.match(again.stdout, /nothing to do/);
  });

  it('is refused with both versions when it is newer, unless it says that it is compatible', async () => {
    await mark(LEDGER_VERSION + 2, LEDGER_VERSION + 1);
    const newer = new RegExp(`has version ${LEDGER_VERSION + 2}, this release knows version ${LEDGER_VERSION}`);
    await assert.rejects(requireLedger(connection, ledger), refusedAs('LEDGER_VERSION', newer));
    for (const command of ['run', 'status', 'purge', 'migrate']) {
      const refused = await runCli([command], env);
      assert.notEqual(refused.status, 0);
      assert.match(refused.stderr, newer);
    }
    await mark(LEDGER_VERSION + 1, LEDGER_VERSION);
    await requireLedger(connection, ledger);
    assert.equal((await runCli(['status'], env)).status, 0);
  });

  it('is refused with the command that mends it when it is older, and run does not touch it', async () => {
    await mark(LEDGER_VERSION - 1, LEDGER_VERSION - 1);
    await assert.rejects(createLedger(connection, ledger), refusedAs('LEDGER_VERSION', /binlog-undo migrate/));
    const refused = await runCli(['run'], env);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /binlog-undo migrate/);
    assert.equal((await readLedgerMark(connection, ledger))?.version, LEDGER_VERSION - 1);
  });

  it('is brought forward step by step, also after a step that was cut short', async () => {
    const steps = [LEDGER_VERSION, LEDGER_VERSION + 1].map((version): Migration => ({
      version, compatibleFrom: version - 1, summary: `table of ${version}`,
      statements: (on) => [`CREATE TABLE IF NOT EXISTS ${on.table(`step_${version}`)} (id INT PRIMARY KEY)`],
    }));
    const broken: Migration = { ...steps[1]!, statements: (on) => [...steps[1]!.statements(on), 'SELECT 1 FROM no_such_table_here'] };
    const target = LEDGER_VERSION + 1;
    const foreseen = await migrateLedger(connection, ledger, true, steps, target);
    assert.deepEqual([foreseen.steps.length, (await readLedgerMark(connection, ledger))?.version], [2, LEDGER_VERSION - 1]);
    await assert.rejects(migrateLedger(connection, ledger, false, [steps[0]!, broken], target));
    assert.equal((await readLedgerMark(connection, ledger))?.version, LEDGER_VERSION);
    assert.deepEqual((await migrateLedger(connection, ledger, false, steps, target)).steps, [{ version: target, summary: `table of ${target}` }]);
    // This release is now the one before: it works on.
    assert.deepEqual(await readLedgerMark(connection, ledger), { version: target, compatibleFrom: target - 1 });
    await requireLedger(connection, ledger);
    await assert.rejects(migrateLedger(connection, ledger, false, steps, target + 1), refusedAs('LEDGER_VERSION', /no step leads/));
  });
});
