import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SERVER_KINDS, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { formatPosition, type Position } from '../../src/core/position.ts';
import { Scene, applyWithClient, query, type Row } from '../support/scene.ts';
import { backup } from '../support/servers.ts';

const MEGABYTE = 1 << 20;

/** Tables that are not what they look like, on a server of its own for the settings that only a whole server has. */
for (const kind of SERVER_KINDS) describe(`odd tables on ${kind}`, () => {
  const maria = !kind.startsWith('mysql');
  let source: RunningServer;

  before(async () => {
    source = await startServer(kind, { bufferPoolMiB: 128, args: ['--max-allowed-packet=512M', ...(maria ? [] : ['--innodb-redo-log-capacity=1G'])] });
  });
  after(() => source.stop());

  const scriptFrom = (scene: Scene, start: Position, ...selection: string[]): ReturnType<Scene['cli']> =>
    scene.cli('script', '--start-position', formatPosition(start), '--wait', '60', ...selection);

  async function changed(scene: Scene, sql: string): Promise<Row[]> {
    await scene.caughtUp();
    const known = (await scene.operations()).length;
    await scene.db.query(sql);
    await scene.caughtUp();
    return (await scene.operations()).slice(known);
  }

  it('finds rows by the key that the server made up, and says so when it hides that key', { skip: maria && 'MySQL only' }, async () => {
    await using scene = await Scene.open(source, backup('mysql'));
    await using daemon = await scene.startDaemon();
    await scene.db.query("SET SESSION sql_generate_invisible_primary_key = ON; CREATE TABLE made (v VARCHAR(9)); INSERT INTO made VALUES ('a'), ('a'), (NULL); CREATE TABLE seen (id INT PRIMARY KEY)");
    const before = await scene.fingerprint();
    const start = await scene.position();
    await changed(scene, "UPDATE made SET v = 'b' LIMIT 1; DELETE FROM made WHERE v = 'a'; INSERT INTO made VALUES ('c')");
    const script = await scriptFrom(scene, start);
    assert.equal(script.status, 0, script.stderr);
    assert.match(script.stdout, /SET `v`='a' WHERE `my_row_id`=1/);
    assert.equal((await scene.apply(script.stdout)).status, 0);
    assert.deepEqual(await scene.fingerprint(), before);

    // As clouds do with a key of their own: it is in the binlog, and nowhere else.
    await scene.db.query('SET GLOBAL show_gipk_in_create_table_and_information_schema = OFF');
    const hidden = await scene.position();
    await using blind = await Scene.open(source, backup('mysql'), { of: scene, alias: `${scene.alias}_blind` });
    await using second = await blind.startDaemon();
    const made = await changed(blind, "UPDATE made SET v = 'x'; INSERT INTO seen VALUES (1)");
    assert.deepEqual(made.map((row) => `${String(row.table_name)} ${String(row.state)}`), ['made definition-unknown', 'seen captured']);
    assert.deepEqual((await blind.gaps()).map((gap) => [gap.reason, gap.table_name]), [['definition-unknown', 'made']]);
    const refused = await scriptFrom(blind, hidden, '--table', `${scene.schema}.made`);
    assert.equal(refused.status, 3, refused.stdout);
    assert.match(refused.stderr, /made/);
    assert.equal((await scriptFrom(blind, hidden, '--table', `${scene.schema}.seen`)).status, 0);
    await daemon.stop();
    await second.stop();
  });

  it('refuses rows of system-versioned tables by name, and those alone, also of a transaction over several tables', { skip: !maria && 'MariaDB only' }, async () => {
    await using scene = await Scene.open(source, backup('mariadb'));
    await using daemon = await scene.startDaemon();
    await scene.db.query('CREATE TABLE versioned (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING; CREATE TABLE plain (id INT PRIMARY KEY, v INT); INSERT INTO versioned VALUES (1, 1), (2, 2); INSERT INTO plain VALUES (1, 1)');
    const before = await scene.fingerprint();
    const start = await scene.position();
    const made = await changed(scene, 'UPDATE plain JOIN versioned USING (id) SET plain.v = 2, versioned.v = 9; START TRANSACTION; DELETE FROM versioned WHERE id = 2; UPDATE plain SET v = 3; INSERT INTO versioned VALUES (3, 3); COMMIT');
    assert.deepEqual([...new Set(made.map((row) => `${String(row.table_name)} ${String(row.state)}`))].sort(), ['plain captured', 'versioned not-undoable']);
    assert.deepEqual([...new Set((await scene.gaps()).map((gap) => gap.table_name))], ['versioned']);
    const refused = await scriptFrom(scene, start, '--database', scene.schema);
    assert.equal(refused.status, 3);
    assert.match(refused.stderr, /versioned/);
    const script = await scriptFrom(scene, start, '--exclude-table', `${scene.schema}.versioned`, '--database', scene.schema);
    assert.equal(script.status, 0, script.stderr);
    assert.equal((await scene.apply(script.stdout)).status, 0);
    assert.equal((await scene.fingerprint()).plain, before.plain);
    await daemon.stop();
  });

  it('undoes temporal columns of the formats before MySQL 5.6, with every number of digits', { skip: !maria && 'MariaDB only' }, async () => {
    await using scene = await Scene.open(source, backup('mariadb'));
    await using daemon = await scene.startDaemon();
    const digits = [0, 1, 2, 3, 4, 5, 6];
    const cut = (text: string, n: number): string => `'${text}${n === 0 ? '' : `.${'987654'.slice(0, n)}`}'`;
    const columns = (n: number): string => `t TIME(${n}), d DATETIME(${n}), s TIMESTAMP(${n}) NULL DEFAULT NULL, v VARCHAR(20)`;
    const rows = (n: number): string => [
      `(1, ${cut('-01:02:03', n)}, ${cut('2026-11-20 14:05:07', n)}, ${cut('2026-11-20 14:05:07', n)}, 'one')`,
      `(2, ${cut('838:59:58', n)}, ${cut('9999-12-31 23:59:59', n)}, ${cut('2038-01-19 03:14:07', n)}, NULL)`,
      "(3, '00:00:00', '2020-02-31 00:00:00', '0000-00-00', '')", `(4, NULL, ${cut('0001-01-01 00:00:00', n)}, NULL, 'four')`, `(5, ${cut('-838:59:58', n)}, '0000-00-00', ${cut('1970-01-01 00:00:01', n)}, NULL)`,
    ].join(', ');
    const mixed = digits.map((n) => `t${n} TIME(${n}), d${6 - n} DATETIME(${6 - n})`).join(', ');
    await scene.db.query(`SET GLOBAL mysql56_temporal_format = OFF; SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'`);
    for (const n of digits) await scene.db.query(`CREATE TABLE old_${n} (id INT PRIMARY KEY, ${columns(n)}); CREATE TABLE keyless_${n} (id INT, ${columns(n)})`);
    await scene.db.query(`CREATE TABLE mixed (id INT PRIMARY KEY, ${mixed}); SET GLOBAL mysql56_temporal_format = ON`);
    for (const n of digits) await scene.db.query(`INSERT INTO old_${n} VALUES ${rows(n)}; INSERT INTO keyless_${n} SELECT * FROM old_${n}`);
    await scene.db.query(`INSERT INTO mixed (id, t1, t3, t6, d1, d3, d6) SELECT id, t, t, t, d, d, d FROM old_6`);
    await scene.caughtUp();
    assert.deepEqual((await scene.gaps()).map((gap) => `${String(gap.table_name)} ${String(gap.detail)}`), []);
    const before = await scene.fingerprint();
    const start = await scene.position();
    const changes = digits.map((n) => `INSERT INTO old_${n} SELECT id + 10, t, d, s, v FROM old_${n}; UPDATE old_${n} SET t = NULL, d = NULL, s = NULL WHERE id = 1; DELETE FROM old_${n} WHERE id IN (2, 3);
      UPDATE keyless_${n} SET t = ${cut('00:00:01', n)}, d = '2000-01-01 00:00:00', s = ${cut('2000-01-01 00:00:00', n)}; DELETE FROM keyless_${n} WHERE id < 3`);
    const made = await changed(scene, `${changes.join('; ')}; UPDATE mixed SET t6 = t1, d6 = d1; DELETE FROM mixed WHERE id < 4`);
    assert.deepEqual(made.map((row) => row.state), Array<string>(5 * digits.length + 2).fill('captured'));
    assert.deepEqual(made.slice(0, 5).map((row) => Number(row.inserted) + Number(row.updated) + Number(row.deleted)), [5, 1, 2, 5, 2]);
    const script = await scriptFrom(scene, start, '--database', scene.schema);
    assert.equal(script.status, 0, script.stderr);
    const applied = await scene.apply(script.stdout);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await scene.fingerprint(), before);
    await daemon.stop();
  });

  it('restores a row of 64 MB, and tells beforehand how large a packet it takes', async () => {
    await using scene = await Scene.open(source, backup(maria ? 'mariadb' : 'mysql'), { env: { BINLOG_UNDO_PROJECTION_ENABLED: 'false' } });
    await using daemon = await scene.startDaemon();
    await scene.db.query("CREATE TABLE big (id INT PRIMARY KEY, b LONGBLOB, v INT); INSERT INTO big VALUES (1, REPEAT(X'00FF275C', 16777216), 1)");
    const bytes = (): Promise<Row[]> => query(scene.db, 'SELECT id, LENGTH(b) AS length, SHA2(b, 256) AS hash, v FROM big');
    const before = await bytes();
    const start = await scene.position();
    await scene.db.query('DELETE FROM big');
    await scene.caughtUp({ projected: false });
    const script = await scriptFrom(scene, start);
    assert.equal(script.status, 0, script.stderr);
    const told = Number(/^-- max_allowed_packet: (\d+) bytes are enough/m.exec(script.stdout)?.[1]);
    const exact = Number(/^-- statements: 1, the largest of (\d+) bytes/m.exec(script.stdout.slice(-2000))?.[1]);
    assert.equal(exact > 128 * MEGABYTE && told >= exact && told < 3 * exact, true, `told ${told}, exact ${exact}`);
    const plan = await scene.json<{ maxAllowedPacket: number }>('plan', '--start-position', formatPosition(start));
    assert.equal(plan.maxAllowedPacket, told);
    // A server that takes less ends the connection, and nothing was committed.
    await scene.db.query(`SET GLOBAL max_allowed_packet = ${64 * MEGABYTE}`);
    assert.notEqual((await applyWithClient(source, script.stdout, [`--max-allowed-packet=${told}`])).status, 0);
    assert.deepEqual(await bytes(), []);
    await scene.db.query(`SET GLOBAL max_allowed_packet = ${told}`);
    const applied = await applyWithClient(source, script.stdout, [`--max-allowed-packet=${told}`]);
    assert.equal(applied.status, 0, applied.stderr.slice(0, 1000));
    assert.deepEqual(await bytes(), before);
    assert.equal(daemon.peakMemory() < 700 * MEGABYTE, true, `${Math.round(daemon.peakMemory() / MEGABYTE)} MB`);
    await daemon.stop();
  });
});
