import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openConnection } from '../../src/core/mysql.ts';
import { LEDGER_VERSION } from '../../src/store/ledger-schema.ts';
import { Ledger, readLedgerMark } from '../../src/store/ledger.ts';
import { migrateLedger, type Migration } from '../../src/store/migrate.ts';
import { Scene } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';

/** What the next release may do to the ledger while this one still runs on it: columns, tables and keys that nobody has to fill. */
const NEXT: Migration = {
  version: LEDGER_VERSION + 1, compatibleFrom: LEDGER_VERSION, summary: 'the expansion of a release to come',
  statements: (ledger) => [
    ...['transactions', 'operations', 'blocks', 'checkpoints', 'gaps', 'cursors', 'definitions', 'sources', 'scripts', 'purges'].map((table) =>
      `ALTER TABLE ${ledger.table(table)} ADD COLUMN of_the_next BIGINT NULL FIRST, ADD KEY of_the_next (of_the_next)`),
    `CREATE TABLE IF NOT EXISTS ${ledger.table('next_table')} (id INT PRIMARY KEY)`,
  ],
};

for (const [from, to] of [['mysql', 'mariadb'], ['mariadb', 'mysql']] as const) {
  it(`a ledger on ${to} is migrated to the next release while the daemon of this one captures a ${from} source, and both go on`, async () => {
    await using scene = await Scene.open(source(from), backup(to));
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT)');
    let daemon = await scene.startDaemon();
    let id = 0;
    const write = (rows: number): Promise<unknown> => scene.db.query(Array.from({ length: rows }, () => `INSERT INTO t VALUES (${++id}, 1)`).join('; '));
    await write(20);
    await scene.caughtUp();
    const { host, port, user, password } = scene.backup;
    const connection = await openConnection({ role: 'backup', host, port, user, password: () => password, tls: null });
    const ledger = new Ledger(scene.ledger);
    const migrated = migrateLedger(connection, ledger, false, [NEXT], LEDGER_VERSION + 1);
    await write(200);
    assert.equal((await migrated).to, LEDGER_VERSION + 1);
    await connection.end();
    await write(20);
    await scene.caughtUp();
    // Nothing was upset: not even a new session was needed.
    assert.deepEqual(daemon.lines.filter(({ event }) => event === 'session_ended'), []);
    await daemon.stop();

    daemon = await scene.startDaemon({ BINLOG_UNDO_RETENTION_INTERVAL_SECONDS: '1' });
    await write(20);
    await scene.caughtUp();
    assert.equal((await scene.operations()).filter(({ ddl }) => Number(ddl) === 0).length, id);
    const script = await scene.cli('script', '--source', scene.alias, '--table', `${scene.schema}.t`);
    assert.equal(script.status, 0, script.stderr);
    assert.equal(script.stdout.match(/^DELETE /gm)?.length, id);
    for (const command of [['find'], ['status'], ['gaps'], ['scripts'], ['verify', '--source', scene.alias], ['purge', '--dry-run']]) {
      const done = await scene.cli(...command);
      assert.equal(done.status, 0, `${command[0]!}: ${done.stderr}`);
    }
    const last = (await scene.operations()).at(-1)!;
    assert.equal((await scene.cli('purge', '--source', scene.alias, '--before-opid', String(last.opid))).status, 0);
    assert.equal((await scene.operations()).length, 1);
    await daemon.stop();
    const mark = await openConnection({ role: 'backup', host, port, user, password: () => password, tls: null });
    assert.deepEqual(await readLedgerMark(mark, ledger), { version: LEDGER_VERSION + 1, compatibleFrom: LEDGER_VERSION });
    await mark.end();
  });
}
