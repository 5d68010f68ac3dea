import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, type ServerKind } from '../../deploy/provision/index.ts';
import { World, ask } from '../faults/support/world.ts';
import { runCli } from '../support/daemon.ts';
import { backup } from '../support/servers.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8'];

for (const kind of KINDS) {
  test(`${kind}: B2 a restart that empties a MEMORY table is told by a script over it, and stops nothing`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 32 });
    await using world = await World.open(server, backup(server.flavour), 'CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MEMORY; CREATE TABLE t (id INT PRIMARY KEY)');
    await using daemon = await world.start();
    await world.sql('INSERT INTO m VALUES (1), (2); INSERT INTO t VALUES (1)');
    await world.caughtUp();
    await server.restart();
    // The first use tells replicas that it is empty, by a statement.
    assert.deepEqual(await ask(server, `SELECT * FROM ${world.schema}.m`), []);
    await world.sql('INSERT INTO t VALUES (2); INSERT INTO m VALUES (3)');
    await world.caughtUp();
    assert.deepEqual((await world.operations()).map(({ type, table_name }) => `${String(type)} ${String(table_name)}`), ['INSERT m', 'INSERT t', 'TRUNCATETABLE m', 'INSERT t', 'INSERT m']);
    assert.deepEqual(await world.gaps(), []);
    const script = (table: string): ReturnType<typeof runCli> => runCli(['script', '--table', `${world.schema}.${table}`], world.env);
    const refused = await script('m');
    assert.equal(refused.status, 3, refused.stderr);
    assert.match(refused.stderr, /NOT_UNDOABLE: TRUNCATETABLE of \w+\.m at .* it removed rows that are not in the binlog/);
    const other = await script('t');
    assert.equal(other.status, 0, other.stderr);
    await daemon.stop();
  });
}
