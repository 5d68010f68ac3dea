import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, type RunningServer, type ServerKind } from '../../deploy/provision/index.ts';
import { backup } from '../support/servers.ts';
import { World, ask, binlogEnd } from './support/world.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8', 'mariadb-10.11'];

const reset = (server: RunningServer): string => (server.flavour === 'mysql' ? 'RESET BINARY LOGS AND GTIDS' : 'RESET MASTER');

for (const kind of KINDS) {
  test(`${kind}: a binlog that was begun anew is refused, or recorded as a gap in a new incarnation`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 32 });
    await using world = await World.open(server, backup(server.flavour), 'CREATE TABLE t (id INT PRIMARY KEY, v INT)');
    const daemon = await world.start();
    await world.sql('INSERT INTO t VALUES (1, 1); INSERT INTO t VALUES (2, 2)');
    await world.caughtUp();
    await daemon.stop();
    assert.equal((await world.operations()).length, 2);

    // The same life, also after a restart of the server with its new file: nothing is lost or repeated.
    await server.restart();
    await world.sql('INSERT INTO t VALUES (3, 3)');
    const second = await world.start();
    await world.caughtUp();
    await second.stop();
    assert.equal((await world.operations()).length, 3);
    const end = (await world.checkpoint())!.position;

    // The file of the checkpoint is not there.
    await ask(server, reset(server));
    const gone = await world.startFails();
    assert.equal(gone.status, 3);
    assert.match(gone.said, /INCARNATION_CHANGED/);

    // Regrown under the same name, past the position.
    while ((await binlogEnd(server)).file < end.file) await ask(server, 'FLUSH BINARY LOGS');
    let rows = 0;
    while ((await binlogEnd(server)).offset < end.offset + 4000) await world.sql(`INSERT INTO t VALUES (${100 + rows}, ${rows++})`);
    const regrown = await world.startFails();
    assert.equal(regrown.status, 3);
    assert.match(regrown.said, /INCARNATION_CHANGED.*expected the event of \d+ bytes/);
    assert.equal((await world.operations()).length, 3);

    // The operator decides to go on.
    const third = await world.start({ BINLOG_UNDO_ON_GAP: 'record' });
    await world.caughtUp();
    assert.deepEqual((await world.gaps()).map(({ reason }) => reason), ['incarnation']);
    const incarnations = await world.incarnations();
    assert.equal(incarnations.length, 2);
    assert.equal(Number(incarnations[1]?.first_ordinal), 4);
    const after = await world.operations();
    assert.equal(after.length, 3 + rows);
    assert.deepEqual(after.map(({ ordinal }) => Number(ordinal)), after.map((_, index) => index + 1));
    await third.stop();

    // The new life is one to go on from.
    await world.sql('INSERT INTO t VALUES (4, 4)');
    const fourth = await world.start();
    await world.caughtUp();
    await fourth.stop();
    assert.equal((await world.operations()).length, 4 + rows);
    assert.equal((await world.incarnations()).length, 2);
  });
}
