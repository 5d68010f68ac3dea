import { test } from 'node:test';
import { connect, PROCESS_LIST, query } from '../support/any-server.ts';
import { Scene } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';
import { until } from '../support/until.ts';

const RECONNECTS = 4;

for (const server of sources()) {
  const { kind } = server;
  test(`${kind}: B3.29 sessions that end one after the other leave no connection behind, on neither server`, async () => {
    const store = backup(server.flavour);
    await using scene = await Scene.open(server, store);
    // An account for this daemon alone, by which its connections are counted.
    const account = `leak_${scene.schema.slice(-8)}`;
    const admins = [await connect(server), await connect(store)];
    const connections = async (): Promise<string> => (await Promise.all(admins.map(async (admin) =>
      Number((await query(admin, `SELECT COUNT(*) AS n FROM ${PROCESS_LIST} WHERE user = ?`, [account]))[0]!.n)))).join(' and ');
    const settled = (what: string): Promise<string> => until(what, async () => {
      const first = await connections();
      // Closing takes a moment on the server's side; a count that comes again is one that stays.
      return !/\b0\b/.test(first) && first === await connections() && first;
    });
    for (const admin of admins) {
      await admin.query(`CREATE USER '${account}'@'%' IDENTIFIED BY 'leak-pw-1'`);
      await admin.query(`GRANT ALL ON *.* TO '${account}'@'%'`);
    }
    try {
      await using daemon = await scene.startDaemon(Object.fromEntries(['SOURCE', 'BACKUP'].flatMap((role) => [[`BINLOG_UNDO_${role}_USER`, account], [`BINLOG_UNDO_${role}_PASSWORD`, 'leak-pw-1']])));
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY)');
      await scene.caughtUp();
      const before = await settled('the daemon is connected to both');
      for (let i = 1; i <= RECONNECTS; i++) {
        const [dump] = await until('the dump is there', async () => {
          const found = await query(admins[0]!, `SELECT id FROM ${PROCESS_LIST} WHERE user = ? AND command LIKE 'Binlog Dump%'`, [account]);
          return found.length === 1 && found;
        });
        await admins[0]!.query(`KILL ${Number(dump!.id)}`);
        await daemon.logged('capturing', i + 1);
        await scene.db.query(`INSERT INTO t VALUES (${i})`);
        await scene.caughtUp();
      }
      await until(`as many connections as before, ${before}`, async () => await connections() === before);
      await daemon.stop();
      await until('none is left at the end', async () => await connections() === '0 and 0');
    } finally {
      for (const admin of admins) {
        await admin.query(`DROP USER '${account}'@'%'`);
        admin.destroy();
      }
    }
  });
}
