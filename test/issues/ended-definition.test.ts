import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { World, ask, binlogEnd } from '../faults/support/world.ts';
import { comparePositions } from '../../src/core/position.ts';
import { backup, source } from '../support/servers.ts';
import { until } from '../support/until.ts';

for (const flavour of ['mysql', 'mariadb'] as const) {
  test(`${flavour}: B3.39 B3.47 a definition that DDL has ended is not used for later rows, however well it fits their TABLE_MAP`, async () => {
    await using world = await World.open(source(flavour), backup(flavour), 'CREATE TABLE t (id INT PRIMARY KEY, v INT, c INT)');
    await using daemon = await world.start();
    await world.sql('INSERT INTO t VALUES (1, 1, 2), (2, 2, 3)');
    await world.caughtUp();
    const { host, port, user, password } = world.source;
    const session = await createConnection({ host, port, user, password, database: world.schema, multipleStatements: true });
    try {
      // Not even full row metadata tells that a column is generated now; the lock keeps the daemon from asking.
      await session.query('LOCK TABLES t WRITE; ALTER TABLE t DROP COLUMN c; ALTER TABLE t ADD COLUMN c INT GENERATED ALWAYS AS (v + 1) STORED; DELETE FROM t WHERE id = 2');
      const end = await binlogEnd(world.source);
      await until('the rows are in the log', async () => comparePositions((await world.checkpoint())!.position, end) >= 0);
      await session.query('UNLOCK TABLES');
    } finally {
      await session.end();
    }
    await world.caughtUp();
    const { statements } = await world.projected();
    const last = statements.t!.at(-1)!;
    assert.match(last, /INSERT .*`id`,`v`\) ?VALUES/i);
    await ask(world.source, `USE ${world.schema}; ${last.slice(last.indexOf(' ') + 1)}`);
    assert.deepEqual((await ask(world.source, `SELECT id, v, c FROM ${world.schema}.t ORDER BY id`)).map(({ id, v, c }) => [id, v, c]), [[1, 1, 2], [2, 2, 3]]);
    assert.deepEqual(await world.gaps(), []);
    await daemon.stop();
  });
}
