import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startServer, type ServerKind } from '../../deploy/provision/index.ts';
import { EventType } from '../../src/binlog/event-type.ts';
import { World, ask, binlogEnd } from '../faults/support/world.ts';
import { runCli } from '../support/daemon.ts';
import { backup } from '../support/servers.ts';
import { event, incident, injectEvents } from './support/inject-events.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8', 'mariadb-10.11'];
/** MariaDB 12.3 splits rows in such events; MySQL has no such number. */
const PARTIAL_ROW_DATA = 172;
const IGNORABLE = 0x80;

for (const kind of KINDS) {
  test(`${kind}: B2 an incident, and an unknown event among rows, are gaps with their scope; one that may be ignored is none`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 32 });
    await using world = await World.open(server, backup(server.flavour), 'CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE scratch (id INT PRIMARY KEY); CREATE TABLE g (id INT PRIMARY KEY, v INT, c INT)');
    const first = await world.start();
    await world.sql('INSERT INTO g VALUES (1, 1, 2)');
    await world.caughtUp();
    await first.stop();
    await ask(server, 'FLUSH BINARY LOGS');
    const { file } = await binlogEnd(server);
    await world.sql('INSERT INTO t VALUES (1, 1); INSERT INTO scratch VALUES (1); INSERT INTO t VALUES (2, 2); UPDATE t SET v = 5');
    // What the incident stands for. Not even full row metadata tells that a column is generated now.
    await world.sql('SET SESSION sql_log_bin = 0; ALTER TABLE g DROP COLUMN c; ALTER TABLE g ADD COLUMN c INT GENERATED ALWAYS AS (v + 1) STORED; SET SESSION sql_log_bin = 1; DELETE FROM g');
    await ask(server, 'FLUSH BINARY LOGS');
    const id = server.port;
    injectEvents(join(server.dataDir, file), ({ type, nth }) => {
      if (type === EventType.XID && nth === 0) return [event(199, Buffer.from('later'), id, IGNORABLE)];
      // Between the rows of `scratch` and their end, behind its TABLE_MAP.
      if (type === EventType.WRITE_ROWS && nth === 1) return [event(PARTIAL_ROW_DATA, Buffer.alloc(20), id)];
      if (type === EventType.WRITE_ROWS_V1 && nth === 1) return [event(PARTIAL_ROW_DATA, Buffer.alloc(20), id)];
      // Before the GTID of the update: between two transactions.
      if ((type === EventType.GTID || type === EventType.MARIADB_GTID) && nth === 3) return [incident(id, 'the cache was lost')];
      return [];
    });
    await using daemon = await world.start();
    await world.caughtUp();
    const gaps = await world.gaps();
    assert.deepEqual(gaps.map(({ reason, schema_name, table_name }) => [reason, schema_name, table_name]),
      [['unreadable-rows', world.schema, 'scratch'], ['incident', null, null]]);
    assert.match(String(gaps[0]?.detail), /PARTIAL_ROW_DATA/);
    assert.match(String(gaps[1]?.detail), /the cache was lost/);
    assert.ok(Number(gaps[1]?.to_offset) > Number(gaps[1]?.from_offset) && gaps[1]?.from_file === file);
    const operations = (await world.operations()).filter(({ table_name, type }) => table_name !== 'g' && (type === 'INSERT' || type === 'UPDATE'));
    assert.deepEqual(operations.map(({ type, table_name }) => `${String(type)} ${String(table_name)}`), ['INSERT t', 'INSERT scratch', 'INSERT t', 'UPDATE t']);

    // No definition from before counts behind it.
    assert.match((await world.projected()).statements.g!.at(-1)!, /INSERT .*`id`,`v`\) ?VALUES/i);

    // Scripts of the table that is not concerned are made, up to where everything may be missing.
    const at = (row: Record<string, unknown>): string => `${String(row.start_file)}:${String(row.start_offset)}`;
    const script = (table: string, from: number, to: number): ReturnType<typeof runCli> => runCli(
      // Rows of the window were changed after it, which is not what is looked at here.
      ['script', '--mode', 'nocascade-force', '--table', `${world.schema}.${table}`, '--start-position', at(operations[from]!), '--stop-position', at(operations[to]!)], world.env);
    const whole = await script('t', 0, 2);
    assert.equal(whole.status, 0, whole.stderr);
    for (const refused of [await script('scratch', 0, 2), await script('t', 0, 3)]) {
      assert.equal(refused.status, 3, refused.stderr);
      assert.match(refused.stderr, /GAP_IN_RANGE/);
    }
    await daemon.stop();
  });
}
