import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World, binlogEnd } from '../faults/support/world.ts';
import { backup, source } from '../support/servers.ts';

const WIDE = 20_000;

for (const flavour of ['mysql', 'mariadb'] as const) {
  test(`${flavour}: B3.1 B3.2 B3.6 B3.12 a kill inside a statement over two tables leaves a checkpoint before it, without its GTID, and START_POSITION does not move it`, async () => {
    await using world = await World.open(source(flavour), backup(flavour), 'CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(400)); CREATE TABLE b LIKE a');
    const values = Array.from({ length: WIDE }, (_, id) => `(${id}, '${String(id * 7919).padStart(60, '0')}')`).join(', ');
    await world.sql(`INSERT INTO a VALUES ${values}; INSERT INTO b SELECT * FROM a`);
    const start = await binlogEnd(world.source);
    const daemon = await world.start();
    await world.sql('INSERT INTO a VALUES (-1, 0)');
    await world.caughtUp();
    const before = (await world.checkpoint())!;
    const [gtids] = await world.ledgerRows('SELECT gtid_set FROM checkpoints');
    await world.sql("UPDATE a JOIN b USING (id) SET a.v = CONCAT(a.v, REPEAT('x', 100)), b.v = CONCAT(b.v, REPEAT('y', 100))");
    await daemon.kill();
    const after = (await world.checkpoint())!;
    const [now] = await world.ledgerRows('SELECT gtid_set FROM checkpoints');
    const operations = (await world.operations()).length;
    // All of it, or nothing of it: the position, the GTIDs and the operations agree.
    assert.equal(operations, after.next === before.next ? 1 : 3);
    if (after.next === before.next) assert.deepEqual([after.position, now], [before.position, gtids]);
    await world.sql('DELETE FROM b WHERE id < 10');
    await using again = await world.start({ BINLOG_UNDO_START_POSITION: 'latest' });
    await world.caughtUp();
    await again.stop();
    // Which of the two tables comes first is the optimizer's choice.
    assert.deepEqual((await world.operations()).map(({ table_name, type }) => `${String(type)} ${String(table_name)}`).toSorted(), ['DELETE b', 'INSERT a', 'UPDATE a', 'UPDATE b']);
    await world.equalsUndisturbed(start);
  });
}
