import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../../deploy/provision/index.ts';
import { formatPosition, type Position } from '../../src/core/position.ts';
import type { Daemon } from '../support/daemon.ts';
import { Scene, query } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

const TABLES = `
  CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40) NOT NULL, city VARCHAR(40), balance DECIMAL(10,2) NOT NULL DEFAULT 0,
    seen TIMESTAMP(3) NULL, UNIQUE KEY by_name (name));
  CREATE TABLE orders (id BIGINT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL, note TEXT, data BLOB, kind ENUM('a','b','c'), KEY (customer));
  CREATE TABLE lines_without_key (order_id BIGINT NOT NULL, product VARCHAR(20), quantity INT);
  INSERT INTO customers (name, city, balance, seen) VALUES ('ann','Rome',1.5,'2026-01-02 03:04:05.678'), ('bob''s','Oslo',2.25,NULL),
    ('zo\u00eb', NULL, -3, '2020-02-29 00:00:00'), ('back\\\\slash', '', 0, NULL), ('tab\\tand\\nline', 'x', 9999.99, NULL);
  INSERT INTO orders (customer, note, data, kind) VALUES (1,'first',X'00ff27',1),(1,NULL,NULL,'b'),(2,'',X'',NULL),(3,'it''s "so"',X'5c','c');
  INSERT INTO lines_without_key VALUES (1,'nail',10),(1,'nail',10),(2,NULL,NULL),(3,'saw',1);`;

/** One statement each, and how many operations it is. */
const STATEMENTS: readonly (readonly [what: string, sql: string, operations: number])[] = [
  ['INSERT of one row', "INSERT INTO customers (name) VALUES ('carl')", 1],
  ['INSERT of many rows', "INSERT INTO orders (customer, note) VALUES (1,'n1'),(2,'n2'),(3,'n3'),(3,'n4')", 1],
  ['INSERT ... SELECT', 'INSERT INTO lines_without_key SELECT id, note, customer FROM orders', 1],
  ['UPDATE of one row', 'UPDATE customers SET balance = balance + 1, city = NULL WHERE id = 1', 1],
  ['UPDATE without WHERE', "UPDATE customers SET city = 'Nowhere'", 1],
  ['UPDATE of a table without a key', 'UPDATE lines_without_key SET quantity = COALESCE(quantity, 0) + 1', 1],
  ['UPDATE of binary and text values', "UPDATE orders SET note = CONCAT(COALESCE(note, ''), '\\'\\\\\\n'), data = X'0001fe', kind = 'b'", 1],
  ['key shift upwards', 'UPDATE customers SET id = id + 1 ORDER BY id DESC', 1],
  ['key shift downwards', 'UPDATE orders SET id = id - 1 ORDER BY id', 1],
  ['swap inside a unique key', "UPDATE customers SET name = CASE id WHEN 1 THEN 'ann2' ELSE CONCAT(name, '+') END", 1],
  ['DELETE of one row', 'DELETE FROM customers WHERE id = 3', 1],
  ['DELETE of all rows', 'DELETE FROM orders', 1],
  ['DELETE of equal rows', "DELETE FROM lines_without_key WHERE product = 'nail' LIMIT 1", 1],
  ['UPDATE of two tables', "UPDATE customers c JOIN orders o ON o.customer = c.id SET c.city = 'both', o.note = 'both'", 2],
  ['DELETE from two tables', 'DELETE c, o FROM customers c JOIN orders o ON o.customer = c.id', 2],
  ['REPLACE', "REPLACE INTO customers (id, name) VALUES (1, 'new ann'), (77, 'zo\u00eb')", 1],
  ['ON DUPLICATE KEY UPDATE', "INSERT INTO customers (id, name) VALUES (1, 'x'), (88, 'y') ON DUPLICATE KEY UPDATE balance = balance + 5", 1],
];

/** projection.pack: one statement to a backup row, and several, for one source of each flavour. */
const PACKED = 3;
const CASES = sources().flatMap((source, index) => (index < 2 ? [1, PACKED] : [1]).map((pack) => ({ source, pack, backup: backups()[index % backups().length]! })));

for (const { source, pack, backup } of CASES) describe(`Archery reading what ${source.kind} did, ${pack} to a row`, () => {
  let scene: Scene;
  let daemon: Daemon;
  let port: number;

  before(async () => {
    scene = await Scene.open(source, backup, { env: { BINLOG_UNDO_PROJECTION_PACK: String(pack) } });
    await scene.db.query(TABLES);
    port = await freePort();
    daemon = await scene.startDaemon({ BINLOG_UNDO_ADMIN_PORT: String(port) });
  });
  after(async () => {
    await daemon.stop();
    await scene[Symbol.asyncDispose]();
  });

  /** Applies a script over what was done since. */
  async function script(start: Position, stop: Position): Promise<void> {
    await scene.caughtUp();
    const made = await fetch(`http://127.0.0.1:${port}/v1/script?start_position=${formatPosition(start)}&stop_position=${formatPosition(stop)}&mode=nocascade-force`);
    assert.equal(made.status, 200);
    const applied = await scene.apply(await made.text());
    assert.equal(applied.status, 0, applied.stderr);
  }

  /** Runs a statement, undoes it with what Archery would show, and compares all tables; takes that back, and undoes the same operation with a script. */
  async function undoes(sql: string, operations: number): Promise<void> {
    await scene.caughtUp();
    const known = (await scene.operations()).length;
    const before = await scene.fingerprint();
    const start = await scene.position();
    await scene.db.query(sql);
    const stop = await scene.position();
    const harm = await scene.fingerprint();
    await scene.caughtUp();
    const made = (await scene.operations()).slice(known);
    assert.equal(made.length, operations);
    assert.notDeepEqual(harm, before);
    const undone = await scene.position();
    await scene.undo(made);
    assert.deepEqual(await scene.fingerprint(), before);
    await script(undone, await scene.position());
    assert.deepEqual(await scene.fingerprint(), harm, 'what Archery did is taken back');
    await script(start, stop);
    assert.deepEqual(await scene.fingerprint(), before, 'a script leaves what Archery left');
  }

  for (const [what, sql, operations] of STATEMENTS) it(`undoes ${what}`, () => undoes(sql, operations));

  it(`has a row for each ${pack} changed rows of an operation`, async () => {
    await scene.caughtUp();
    const rows = await query(scene.log, ['customers', 'orders', 'lines_without_key'].map((table) =>
      `SELECT b.opid_time, COUNT(*) AS found, CEIL(MAX(o.inserted + o.updated + o.deleted) / ${pack}) AS expected FROM ${scene.backupDatabase}.${table} b
       JOIN ${scene.ledger}.operations o ON o.opid = b.opid_time GROUP BY b.opid_time`).join(' UNION ALL '));
    assert.ok(rows.length > STATEMENTS.length);
    for (const { opid_time: opid, found, expected } of rows) assert.equal(Number(found), Number(expected), String(opid));
  });

  it('is not disturbed by rows of goInception in the same tables', async () => {
    const database = scene.backupDatabase;
    const foreign = async (sequence: number): Promise<void> => {
      const opid = `1700000000_55_0000000${sequence}`;
      await scene.log.query(`INSERT INTO ${database}.$_$Inception_backup_information$_$ VALUES
        ('${opid}', 'binlog.000001', 4, 'binlog.000001', 200, 'update customers set city=1', '127.0.0.1', '${scene.schema}', 'customers', 3306, NOW(), 'UPDATE')`);
      await scene.log.query(`INSERT INTO ${database}.customers (rollback_statement, opid_time) VALUES
        ('DELETE FROM ${scene.schema}.customers;', '${opid}'), ('DELETE FROM ${scene.schema}.orders;', '${opid}')`);
    };
    await foreign(1);
    await undoes("UPDATE customers SET balance = balance * 2", 1);
    await foreign(2);
    await undoes('DELETE FROM customers', 1);
    const theirs = await query(scene.log, `SELECT opid_time FROM ${database}.customers WHERE opid_time LIKE '1700000000%'`);
    assert.equal(theirs.length, 4);
  });

  it('has the facts of the statement in the information row', async () => {
    const sql = "UPDATE customers SET city = 'Facts' WHERE id = 2 -- why";
    const [thread] = await query(scene.db, 'SELECT CONNECTION_ID() AS id');
    await scene.db.query(sql);
    await scene.caughtUp();
    const row = (await scene.information()).at(-1)!;
    const threadKnown = source.kind !== 'mariadb-10.11';
    assert.deepEqual(Object.keys(row), ['opid_time', 'start_binlog_file', 'start_binlog_pos', 'end_binlog_file', 'end_binlog_pos', 'sql_statement', 'host', 'dbname',
      'tablename', 'port', 'time', 'type']);
    assert.deepEqual(
      [row.sql_statement, row.host, row.dbname, row.tablename, row.port, row.type], [sql, source.host, scene.schema, 'customers', source.port, 'UPDATE']);
    // The positions are those of the transaction's first and last event, exactly.
    assert.equal(row.end_binlog_file, row.start_binlog_file);
    const events = await query(scene.db, `SHOW BINLOG EVENTS IN '${String(row.start_binlog_file)}' FROM ${String(row.start_binlog_pos)} LIMIT 8`);
    assert.match(String(events[0]?.Event_type), /^Gtid/);
    assert.equal(Number(events.find((event) => event.Event_type === 'Xid')?.End_log_pos), Number(row.end_binlog_pos));
    const [, seconds, id, sequence] = /^(\d+)_(\d+)_(\d{24})$/.exec(String(row.opid_time)) ?? [];
    assert.equal(Number(id), threadKnown ? Number(thread?.id) : 0);
    assert.equal(Number(seconds) > 1.7e9, true);
    assert.equal(Number(sequence!.slice(7, 18)), Number(row.start_binlog_pos));
  });
});
