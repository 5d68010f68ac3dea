import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quoteTable } from '../../src/core/identifiers.ts';
import { openConnection } from '../../src/core/mysql.ts';
import { formatPosition } from '../../src/core/position.ts';
import { EraseScan } from '../../src/projection/erase-scan.ts';
import { unpackBlock } from '../../src/store/block-codec.ts';
import { Ledger } from '../../src/store/ledger.ts';
import { BlockReader } from '../../src/store/log-reader.ts';
import { Scene, query, type Row } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';

interface Erased { readonly rows: number; readonly operations: number; readonly transactions: number; readonly backupRows: number; readonly statements: number }

/** Where a text stands in any column of any table of the ledger and the backup databases, packed blocks unpacked. */
async function placesOf(scene: Scene, secret: string): Promise<string[]> {
  const places = new Set<string>();
  const needles = [Buffer.from(secret), Buffer.from(Buffer.from(secret).toString('hex'))];
  const look = (where: string, value: Buffer): void => {
    const lower = Buffer.from(value.toString('latin1').toLowerCase(), 'latin1');
    if (needles.some((needle) => value.includes(needle) || lower.includes(needle))) places.add(where);
  };
  for (const database of [scene.ledger, scene.backupDatabase]) {
    const tables = await query(scene.log, 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ?', [database]);
    for (const { name } of tables) {
      const packed = new Map<string, Row[]>();
      for (const row of await query(scene.log, `SELECT * FROM ${quoteTable(database, String(name))}`)) {
        for (const [column, value] of Object.entries(row)) if (value !== null) look(`${String(name)}.${column}`, Buffer.isBuffer(value) ? value : Buffer.from(String(value)));
        if (name === 'blocks') packed.set(String(row.block), [...packed.get(String(row.block)) ?? [], row]);
      }
      for (const parts of packed.values()) {
        const [{ codec, raw_bytes: rawBytes }] = parts as [Row];
        look('blocks, unpacked', await unpackBlock({ codec: Number(codec), rawBytes: Number(rawBytes), data: Buffer.concat(parts.map(({ data }) => data as Buffer)) }));
      }
    }
  }
  return [...places].sort();
}

const SECRET = 'ada.lovelace@example.org';
const LONG = 40_000;

for (const flavour of ['mysql', 'mariadb'] as const) describe(`erasing rows by key, ${flavour}`, () => {
  it('leaves no byte of them in the log, other rows are undone exactly, and nobody passes the hole unnoticed', async () => {
    await using scene = await Scene.open(source(flavour), backup(flavour));
    await scene.db.query(`CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(200) UNIQUE, note TEXT); CREATE TABLE other (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20))`);
    await using daemon = await scene.startDaemon();
    await scene.db.query(`INSERT INTO people VALUES (1, 'a@example.org', 'x'), (2, '${SECRET}', 'y'), (3, 'c@example.org', 'z')`);
    // Longer than the ledger keeps of a statement: the whole of it stands in a block.
    await scene.db.query(`UPDATE people SET note = CONCAT('${'n'.repeat(LONG)}', id) WHERE email IN ('a@example.org', '${SECRET}')`);
    const start = formatPosition(await scene.position());
    const kept = await query(scene.db, 'SELECT * FROM people WHERE id <> 2 ORDER BY id');
    await scene.db.query(`UPDATE people SET note = CONCAT(note, '!'), email = CONCAT(email, '.uk') WHERE id IN (1, 2, 3) OR email = '${SECRET}' ORDER BY id`);
    await scene.db.query('DELETE FROM people WHERE id = 2');
    await scene.caughtUp();
    const found = await placesOf(scene, SECRET);
    for (const place of ['blocks, unpacked', 'operations.statement', 'people.rollback_statement']) assert.ok(found.includes(place), `${place} among ${found.join(', ')}: nothing would be tested`);
    const erase = (...args: string[]): Promise<Erased> => scene.json('erase', '--table', `${scene.schema}.people`, '--key', 'id=2', '--note', 'ticket 12', ...args);

    assert.deepEqual(Object.values(await erase('--dry-run')).slice(3, 6), [4, 4, 4]);
    assert.deepEqual(await placesOf(scene, SECRET), found);

    // All but that of the DELETE, which has no row left.
    const rowsOf = async (): Promise<Row[]> => (await scene.information()).filter(({ tablename, type }) => tablename === 'people' && ['INSERT', 'UPDATE', 'DELETE'].includes(String(type)));
    const thinned = (await rowsOf()).slice(0, 3).map(({ opid_time, time }) => [opid_time, String(time), '/* erased */']);

    // The daemon captures all the while.
    const load = { over: false };
    const loaded = (async () => {
      const session = await scene.session();
      while (!load.over) await session.query("INSERT INTO other (v) VALUES ('a'); UPDATE other SET v = 'b' ORDER BY id DESC LIMIT 1");
      await session.end();
    })();
    const done = await erase().finally(() => {
      load.over = true;
    });
    await loaded;
    assert.deepEqual([done.rows, done.operations, done.transactions, done.backupRows, done.statements], [4, 4, 4, 4, 4]);
    await scene.caughtUp();
    assert.deepEqual(await placesOf(scene, SECRET), []);
    assert.deepEqual([...new Set((await scene.gaps()).map(({ reason, table_name: table, acknowledged }) => `${String(reason)} ${String(table)} ${acknowledged === null}`))], ['erased people false']);
    assert.equal((await scene.gaps()).length, 4);
    assert.deepEqual((await rowsOf()).map(({ opid_time, time, sql_statement }) => [opid_time, String(time), sql_statement]), thinned);
    assert.equal(await scene.unpairedKeySets(), 0);

    // Again: there is nothing left, and the holes are told once.
    assert.equal((await erase()).rows, 0);
    assert.equal((await scene.gaps()).length, 4);

    const [, , update, removal] = (await scene.operations()).filter(({ table_name: table, ddl }) => table === 'people' && Number(ddl) === 0);
    assert.deepEqual([update?.updated, update?.state, removal?.state].map(String), ['2', 'captured', 'erased']);
    const range = ['--table', `${scene.schema}.people`, '--start-position', start];
    for (const args of [range, ['--opid', String(update?.opid)]]) {
      const refused = await scene.cli('script', '--source', scene.alias, ...args);
      assert.equal(refused.status, 3, refused.stderr);
      assert.match(refused.stderr, /GAP_IN_RANGE.*erased.*ticket 12/);
    }
    // The backup table undoes the others, and so does a script over the hole.
    await scene.db.query('CREATE TABLE now AS SELECT * FROM people');
    await scene.undo([update!]);
    assert.deepEqual(await query(scene.db, 'SELECT * FROM people ORDER BY id'), kept);
    await scene.db.query('DELETE FROM people; INSERT INTO people SELECT * FROM now');
    // The table was put back to what the operation had left, which to the log are later changes.
    const script = await scene.cli('script', '--source', scene.alias, '--opid', String(update?.opid), '--allow', 'gap', '--mode', 'nocascade-force');
    assert.equal(script.status, 0, script.stderr);
    const applied = await scene.apply(script.stdout);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await query(scene.db, 'SELECT * FROM people ORDER BY id'), kept);

    // What else goes over the log takes it as it is.
    await scene.caughtUp();
    const verified = await scene.cli('verify', '--json', '--start-position', start);
    assert.equal(verified.status, 0, verified.stderr + verified.stdout);
    const purged = await scene.cli('purge', '--before-opid', String((await scene.operations()).at(-1)?.opid));
    assert.equal(purged.status, 0, purged.stderr);
    assert.equal(await scene.unpairedKeySets(), 0);
    await daemon.stop();
  });

  it('refuses rows that it cannot tell apart, and waits for what has not been delivered', async () => {
    await using scene = await Scene.open(source(flavour), backup(flavour));
    await scene.db.query('CREATE TABLE people (id INT PRIMARY KEY, v INT); INSERT INTO people VALUES (1, 1)');
    await using daemon = await scene.startDaemon();
    await scene.db.query('INSERT INTO people VALUES (2, 2)');
    await scene.caughtUp();
    const asked = ['erase', '--table', `${scene.schema}.people`, '--note', 'n'];
    const missing = await scene.cli(...asked, '--key', 'email=x');
    assert.equal(missing.status, 3);
    assert.match(missing.stderr, /ERASE_UNREADABLE.*no column "email"/);
    for (const args of [['erase'], [...asked, '--key', 'id'], [...asked, '--key', 'id=1', '--wait', 'x']]) assert.equal((await scene.cli(...args)).status, 2, args.join(' '));
    await daemon.stop();
    await scene.ledgerRows("UPDATE cursors SET ordinal = 1 WHERE consumer = 'projection'");
    const held = await scene.cli(...asked, '--key', 'id=2', '--wait', '0');
    assert.equal(held.status, 1);
    assert.match(held.stderr, /ERASE_HELD.*projection has delivered up to transaction 0/);
    assert.deepEqual(await scene.gaps(), []);
  });

  it('tells a row by the text that its column holds, and asks for the bytes where others would be meant', async () => {
    await using scene = await Scene.open(source(flavour), backup(flavour));
    await scene.db.query("CREATE TABLE people (id INT PRIMARY KEY, n VARCHAR(20) CHARACTER SET latin1, u VARCHAR(20) CHARACTER SET utf8mb4); INSERT INTO people VALUES (0, 'x', 'x')");
    await using daemon = await scene.startDaemon();
    await scene.db.query("INSERT INTO people VALUES (1, 'Jos\u00e9', X'615C62'), (2, 'Ana', 'plain')");
    await scene.caughtUp();
    const rows = async (key: string): Promise<number> => (await scene.json<Erased>('erase', '--table', `${scene.schema}.people`, '--note', 'n', '--dry-run', '--key', key)).rows;
    assert.deepEqual([await rows('n=Ana'), await rows("n=X'4a6f73E9'"), await rows('u=a\\b'), await rows('u=plain'), await rows('u=none')], [1, 1, 1, 1, 0]);
    const asked = await scene.cli('erase', '--table', `${scene.schema}.people`, '--note', 'n', '--dry-run', '--key', 'n=Jos\u00e9');
    assert.equal(asked.status, 3, asked.stdout);
    assert.match(asked.stderr, /ERASE_UNREADABLE.*give n as X'\.\.'/);
    await daemon.stop();
  });

  it('does not look at what committed after it has begun, also in blocks that others share', async () => {
    await using scene = await Scene.open(source(flavour), backup(flavour));
    await scene.db.query('CREATE TABLE people (id INT PRIMARY KEY, v INT); INSERT INTO people VALUES (2, 0)');
    const daemon = await scene.startDaemon();
    await scene.db.query('INSERT INTO people VALUES (3, 3)');
    await scene.caughtUp();
    await daemon.stop();
    for (let v = 1; v <= 100; v++) await scene.db.query(`UPDATE people SET v = ${v} WHERE id = 2`);
    await using second = await scene.startDaemon();
    await scene.caughtUp();
    await scene.db.query('INSERT INTO people VALUES (4, 4)');
    await scene.caughtUp();
    const [shared] = await scene.ledgerRows(`SELECT t.first_block AS block, MAX(t.ordinal) AS last, s.id FROM sources s JOIN transactions t ON t.source_id = s.id WHERE s.alias = ? AND t.first_block = t.last_block
      AND t.first_block < (SELECT MAX(last_block) FROM transactions m WHERE m.source_id = t.source_id) GROUP BY t.first_block, s.id HAVING COUNT(*) > 1 ORDER BY COUNT(*) DESC LIMIT 1`, [scene.alias]);
    assert.ok(shared, 'transactions share a block: else nothing is tested');
    const [block, last, sourceId] = [shared.block, shared.last, shared.id].map(Number) as [number, number, number];
    const connection = await openConnection({ role: 'backup', host: scene.backup.host, port: scene.backup.port, user: scene.backup.user, password: () => scene.backup.password, tls: null });
    try {
      const ledger = new Ledger(scene.ledger);
      const scan = await EraseScan.open({ connection, ledger, sourceId, schema: scene.schema, table: 'people' }, [{ column: 'id', value: '2' }], last);
      const { byTag, matches } = await scan.block(block, await new BlockReader(connection, ledger, sourceId).read(block));
      assert.ok(matches.size > 0);
      for (const { tag } of matches.keys()) assert.ok(byTag.has(tag), `rows of a transaction that is not below ${last}`);
    } finally {
      connection.destroy();
    }
    await second.stop();
  });
});
