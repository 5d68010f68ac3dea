import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { INFORMATION_TABLE, SCHEMA_TABLE } from '../../src/core/undo-tables.ts';
import { quoteTable } from '../../src/core/identifiers.ts';
import type { Daemon } from '../support/daemon.ts';
import { Scene, type Row } from '../support/scene.ts';
import { backup, source, type SharedServer } from '../support/servers.ts';
import { until } from '../support/until.ts';

const DAY_MICROS = 86_400_000_000;

interface Purged {
  readonly keptFrom: number | null;
  readonly heldBack: { readonly consumer: string } | null;
  readonly transactions: number;
  readonly operations: number;
  readonly rows: number;
  readonly blocks: number;
  readonly bytesHeld: number | null;
  readonly bytesFreed: number;
}

const PAIRS: readonly (readonly [SharedServer, SharedServer])[] = [[source('mysql'), backup('mariadb')], [source('mariadb'), backup('mysql')]];

for (const [server, store] of PAIRS) describe(`retention of ${server.kind} on ${store.kind}`, () => {
  let scene: Scene;
  let daemon: Daemon;

  before(async () => {
    scene = await Scene.open(server, store);
    daemon = await scene.startDaemon();
    await scene.db.query('CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(40)); CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(40)); CREATE TABLE c (id INT PRIMARY KEY, v VARCHAR(40))');
    // Definitions are read with the first rows.
    await scene.db.query("INSERT INTO a VALUES (0, 'x'); INSERT INTO b VALUES (0, 'x'); INSERT INTO c VALUES (0, 'x')");
    await scene.caughtUp();
  });
  after(async () => {
    await daemon.stop();
    await scene[Symbol.asyncDispose]();
  });

  async function purge(...args: string[]): Promise<Purged> {
    return scene.json<Purged>('purge', '--source', scene.alias, ...args);
  }

  /** Makes what is in the log so far `days` older. */
  async function age(days: number): Promise<void> {
    await scene.ledgerRows('UPDATE transactions SET commit_micros = commit_micros - ?', [days * DAY_MICROS]);
  }

  const count = async (table: string, where = '1 = 1'): Promise<number> => Number((await scene.ledgerRows(`SELECT COUNT(*) AS n FROM ${table} WHERE ${where}`))[0]!.n);
  const last = async (): Promise<Row> => (await scene.operations()).at(-1)!;

  /** No information row without rollback statements, and the other way round. */
  async function consistent(): Promise<void> {
    assert.equal(await scene.unpairedKeySets(), 0, 'sets of keys go with their blocks');
    const information = (await scene.information()).map((row) => String(row.opid_time));
    const backups = new Set<string>();
    for (const table of ['a', 'b', 'c']) for (const row of await scene.backupRows(table)) backups.add(String(row.opid_time));
    assert.deepEqual([...backups].sort(), information.sort());
  }

  it('removes what lies before an operation, and nothing that others wrote', async () => {
    const start = await scene.position();
    await scene.db.query("INSERT INTO a VALUES (1, 'one'), (2, 'two'); UPDATE b SET v = 'y'; DELETE FROM a WHERE id = 2");
    await scene.db.query("BEGIN; INSERT INTO a VALUES (3, 'three'); INSERT INTO b VALUES (3, 'three'); COMMIT");
    await scene.caughtUp();
    const operations = await scene.operations();
    const kept = operations.at(-2)!;
    const gone = operations.at(-3)!;
    const text = await scene.rollback(String(kept.opid));
    const foreign = '1795183500_1_00000001';
    await scene.log.query(`INSERT INTO ${quoteTable(scene.backupDatabase, INFORMATION_TABLE)} VALUES (?, 'x', 1, 'x', 2, 'select 1', 'h', 'd', 'a', 1, NOW(), 'INSERT')`, [foreign]);
    await scene.log.query(`INSERT INTO ${quoteTable(scene.backupDatabase, 'a')} (rollback_statement, opid_time) VALUES ('select 1;', ?)`, [foreign]);
    const state = await Promise.all(['transactions', 'operations', 'blocks', 'purges'].map((table) => count(table)));

    const foreseen = await purge('--before-opid', String(kept.opid), '--dry-run');
    assert.deepEqual(await Promise.all(['transactions', 'operations', 'blocks', 'purges'].map((table) => count(table))), state);
    const done = await purge('--before-opid', String(kept.opid));
    assert.deepEqual([done.operations, done.transactions], [foreseen.operations, foreseen.transactions]);
    assert.ok(done.blocks > 0 && done.rows >= foreseen.rows);
    assert.deepEqual((await scene.operations()).map(({ opid }) => opid), [kept.opid, operations.at(-1)!.opid]);
    assert.equal(await count('transactions'), 1);
    assert.equal(await scene.rollback(String(kept.opid)), text);
    assert.equal(await scene.rollback(foreign), 'select 1;');
    assert.deepEqual((await scene.information()).map((row) => row.opid_time).sort(), [foreign, kept.opid, operations.at(-1)!.opid].sort());
    const [bounds] = await scene.ledgerRows('SELECT MIN(block) AS first, (SELECT MIN(first_block) FROM transactions) AS needed FROM blocks');
    assert.equal(Number(bounds!.first), Number(bounds!.needed));
    await scene.log.query(`DELETE FROM ${quoteTable(scene.backupDatabase, INFORMATION_TABLE)} WHERE opid_time = ?`, [foreign]);
    await scene.log.query(`DELETE FROM ${quoteTable(scene.backupDatabase, 'a')} WHERE opid_time = ?`, [foreign]);

    for (const asked of [['--start-position', `${start.file}:${start.offset}`], ['--opid', String(gone.opid)], ['--start-datetime', '2020-01-01T00:00:00Z']]) {
      const refused = await scene.cli('script', '--source', scene.alias, ...asked);
      assert.equal(refused.status, 3, refused.stdout);
      assert.match(refused.stderr, /NOT_COVERED.*retention has removed history before/);
      assert.equal(refused.stdout, '');
    }
    const script = await scene.cli('script', '--source', scene.alias, '--database', scene.schema);
    assert.equal(script.status, 0, script.stderr);
    assert.match(script.stdout, /three/);
    assert.doesNotMatch(script.stdout, /'two'/);
    const begin = await scene.cli('script', '--source', scene.alias, '--start-position', `${String(kept.start_file)}:${String(kept.start_offset)}`);
    assert.equal(begin.status, 0, begin.stderr);
    assert.deepEqual([(await purge('--before-opid', String(kept.opid))).operations, await count('operations')], [0, 2]);
  });

  it('keeps longer and shorter what has a retention of its own', async () => {
    await scene.db.query("UPDATE a SET v = 'all'; UPDATE b SET v = 'all'; UPDATE c SET v = 'all'; BEGIN; UPDATE a SET v = 'both'; UPDATE b SET v = 'both'; COMMIT");
    await scene.caughtUp();
    const old = await last();
    await age(10);
    await scene.db.query("UPDATE a SET v = 'new'; UPDATE b SET v = 'new'; UPDATE c SET v = 'new'");
    await scene.caughtUp();
    await age(2);
    const overrides = ['--retention-override', `${scene.schema}.b=30`, '--retention-override', `${scene.schema}.c=1`];
    await purge(...overrides);
    const left = (await scene.operations()).map((row) => `${String(row.table_name)}:${String(row.state)}`);
    assert.deepEqual(left, ['b:captured', 'b:captured', 'b:captured', 'a:captured', 'b:captured', 'c:purged']);
    assert.deepEqual(await scene.backupRows('c'), []);
    assert.match(await scene.rollback(String(old.opid)), /all/);
    await consistent();

    const kept = await scene.cli('script', '--source', scene.alias, '--table', `${scene.schema}.b`);
    assert.equal(kept.status, 0, kept.stderr);
    assert.match(kept.stdout, /three/);
    const all = await scene.cli('plan', '--source', scene.alias, '--database', scene.schema, '--json');
    assert.match(all.stdout, new RegExp(`etention has removed the history of ${scene.schema}\\.c `));
    const short = (await scene.operations()).at(-1)!;
    const refused = await scene.cli('script', '--source', scene.alias, '--opid', String(short.opid));
    assert.match(refused.stderr, /NOT_COVERED.*retention has removed the history of .*\.c /);
    // Its rows were changed again since.
    const long = await scene.cli('script', '--source', scene.alias, '--opid', String(old.opid), '--mode', 'nocascade-force');
    assert.equal(long.status, 0, long.stderr);

    // Without the override, what it kept goes with the rest.
    await purge();
    assert.deepEqual((await scene.operations()).map((row) => String(row.table_name)), ['a', 'b', 'c']);
    await age(10);
    await purge();
    assert.deepEqual([await count('operations'), await count('transactions'), await count('blocks')], [0, 0, 0]);
    assert.deepEqual(await scene.information(), []);
  });

  it('waits for the slowest consumer unless forced, which leaves a gap', async () => {
    await scene.db.query("UPDATE a SET v = 'f1'; UPDATE a SET v = 'f2'; UPDATE a SET v = 'f3'");
    await scene.caughtUp();
    const { ordinal } = await last();
    await age(10);
    await scene.ledgerRows("INSERT INTO cursors (source_id, consumer, ordinal, block, epoch, updated) SELECT source_id, 'fanout', ?, NULL, 0, NOW() FROM checkpoints", [Number(ordinal) - 1]);
    const held = await purge();
    assert.equal(held.heldBack?.consumer, 'fanout');
    assert.deepEqual([held.keptFrom, await count('transactions')], [Number(ordinal) - 1, 2]);
    const forced = await purge('--force');
    assert.deepEqual([forced.heldBack, await count('transactions')], [null, 0]);
    const [cursor] = await scene.ledgerRows("SELECT ordinal FROM cursors WHERE consumer = 'fanout'");
    assert.equal(Number(cursor!.ordinal), Number(ordinal) + 1);
    const gap = (await scene.gaps()).find(({ reason }) => reason === 'forced-purge')!;
    assert.match(String(gap.detail), /2 transactions that fanout had not delivered/);
    await scene.ledgerRows("DELETE FROM cursors WHERE consumer = 'fanout'");

    const id = String(gap.id);
    assert.match((await scene.cli('status', '--source', scene.alias)).stdout, /gaps +1 open/);
    assert.equal((await scene.cli('gaps', '--source', scene.alias, '--acknowledge', id)).status, 2);
    assert.equal((await scene.cli('gaps', '--source', scene.alias, '--acknowledge', '999999', '--note', 'x')).status, 2);
    const acknowledged = await scene.cli('gaps', '--source', scene.alias, '--acknowledge', id, '--note', 'known, anna', '--json');
    assert.match(acknowledged.stdout, /"note": "known, anna"/);
    assert.match((await scene.cli('gaps', '--source', scene.alias, '--acknowledge', id, '--note', 'again')).stdout, /acknowledged .*: known, anna/);
    assert.match((await scene.cli('status', '--source', scene.alias)).stdout, /gaps +none open/);
    assert.equal((await scene.gaps()).length, 1);
  });

  it('goes on projecting behind a purge, also from a cursor before it', async () => {
    await daemon.stop();
    await scene.ledgerRows("DELETE FROM cursors WHERE consumer = 'projection'");
    daemon = await scene.startDaemon();
    await scene.db.query("UPDATE a SET v = 'after'");
    await scene.caughtUp();
    assert.match(await scene.rollback(String((await last()).opid)), /f3/);
    await consistent();
  });

  it('removes blocks that no transaction needs, and none of those that one does', async () => {
    await scene.db.query("UPDATE a SET v = 'g1'");
    await scene.caughtUp();
    const kept = await last();
    await scene.ledgerRows("INSERT INTO blocks (source_id, block, part, codec, raw_bytes, data) SELECT id, 0, 0, 0, 3, 'abc' FROM sources");
    await purge('--before-opid', String(kept.opid));
    assert.equal(await count('blocks', 'block = 0'), 0);
    const [transaction] = await scene.ledgerRows('SELECT first_block, last_block FROM transactions');
    assert.deepEqual([await count('transactions'), await count('blocks')], [1, Number(transaction!.last_block) - Number(transaction!.first_block) + 1]);
    assert.equal((await scene.cli('script', '--source', scene.alias, '--opid', String(kept.opid))).status, 0);
  });

  it('keeps to a number of bytes, and gives the room back when asked', async () => {
    for (let i = 0; i < 8; i++) {
      const values = Array.from({ length: 5000 }, (_, n) => `(${100_000 + i * 5000 + n}, '${String(n * 7919 + i).padStart(30, '0')}')`);
      await scene.db.query(`INSERT INTO b VALUES ${values.join(', ')}`);
    }
    await scene.caughtUp();
    const before = await count('operations');
    // Sizes come from the server's statistics, which follow the tables a moment behind.
    const held = await until('the sizes have settled', async () => {
      const [one, other] = [await purge('--max-bytes', '1T', '--dry-run'), await sleep(3000).then(() => purge('--max-bytes', '1T', '--dry-run'))];
      return one.bytesHeld === other.bytesHeld && one.bytesHeld;
    });
    const done = await purge('--max-bytes', String(Math.round(held * 0.6)), '--optimize');
    assert.ok(done.operations > 0 && done.operations < before, `${done.operations} of ${before} operations`);
    await consistent();
  });

  it('leaves what others wrote between our rows, and gives the file system its room back by itself', async () => {
    const text = '0123456789'.repeat(30);
    const write = async (from: number): Promise<void> => {
      for (let i = 0; i < 10; i++) await scene.db.query(`REPLACE INTO b VALUES ${Array.from({ length: 2000 }, (_, n) => `(${from + i * 2000 + n}, '${text.slice(0, 30)}')`).join(', ')}`);
      await scene.caughtUp();
    };
    const table = quoteTable(scene.backupDatabase, 'b');
    const foreign = ['1795183500_1_00000001', '1795183500_1_00000002'];
    await write(500_000);
    await scene.log.query(`INSERT INTO ${table} (rollback_statement, opid_time) VALUES ('select 1;', '${foreign[0]!}'), ('select 2;', '${foreign[1]!}')`);
    // Someone wrote far away, too: our rows are no longer close together.
    await write(600_000);
    await scene.log.query(`INSERT INTO ${table} (id, rollback_statement, opid_time) SELECT MAX(id) + 500000, 'select 3;', '${foreign[0]!}' FROM ${table}`);
    await scene.db.query("UPDATE b SET v = 'far' WHERE id = 500000; UPDATE a SET v = 'kept'");
    await scene.caughtUp();
    const catalogue = store.flavour === 'mysql' ? 'innodb_tablespaces' : 'innodb_sys_tablespaces';
    const bytes = async (): Promise<number> => Number((await scene.ledgerRows(`SELECT file_size AS n FROM information_schema.${catalogue} WHERE name = ?`, [`${scene.backupDatabase.replaceAll('-', '@002d')}/b`]))[0]!.n);
    const full = await bytes();
    const kept = await last();
    const done = await purge('--before-opid', String(kept.opid), '--retention-shrink-above', '1M');
    assert.ok(done.bytesFreed > 1024 ** 2, `${done.bytesFreed} bytes freed`);
    const left = await scene.backupRows('b');
    assert.deepEqual(left.map((row) => [row.rollback_statement, row.opid_time]), [['select 1;', foreign[0]], ['select 2;', foreign[1]], ['select 3;', foreign[0]]]);
    assert.ok(await bytes() < full / 4, `${full} bytes before, ${await bytes()} after`);
    assert.match(await scene.rollback(String(kept.opid)), /UPDATE.*`a`/i);
    await scene.log.query(`DELETE FROM ${table}`);
  });

  it('removes the DDL of a database as a whole, with its row in the backup tables', async () => {
    await daemon.stop();
    daemon = await scene.startDaemon();
    await scene.db.query("ALTER DATABASE COLLATE utf8mb4_bin; UPDATE a SET v = 'behind the DDL'");
    await scene.caughtUp();
    const [ddl] = (await scene.operations()).filter(({ table_name: table }) => table === '');
    assert.ok(ddl, 'the DDL is an operation without a table');
    const kept = await last();
    const schemaTable = quoteTable(scene.backupDatabase, SCHEMA_TABLE);
    await scene.log.query(`CREATE TABLE IF NOT EXISTS ${schemaTable} LIKE ${quoteTable(scene.backupDatabase, 'a')}`);
    await scene.log.query(`INSERT INTO ${schemaTable} (rollback_statement, opid_time) VALUES ('ALTER DATABASE x;', ?), ('ALTER DATABASE y;', '1795183500_1_00000009')`, [String(ddl.opid)]);
    await purge('--before-opid', String(kept.opid));
    assert.deepEqual((await scene.backupRows(SCHEMA_TABLE)).map(({ rollback_statement: sql }) => sql), ['ALTER DATABASE y;']);
    assert.deepEqual((await scene.information()).map(({ opid_time: opid }) => opid), [kept.opid]);
    await scene.log.query(`DELETE FROM ${schemaTable}`);
  });

  it('is applied by the daemon while it captures', async () => {
    await daemon.stop();
    daemon = await scene.startDaemon({ BINLOG_UNDO_RETENTION_INTERVAL_SECONDS: '1' });
    await age(10);
    await scene.db.query("UPDATE a SET v = 'h'");
    await scene.caughtUp();
    await daemon.logged('purged');
    await until('only the newest is left', async () => (await count('transactions')) === 1);
    assert.match(await scene.rollback(String((await last()).opid)), /UPDATE.*`a`/i);
    await consistent();
  });
});
