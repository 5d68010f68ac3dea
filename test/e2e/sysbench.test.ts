import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runTool, sysbenchScripts } from '../../deploy/provision/index.ts';
import { formatPosition } from '../../src/core/position.ts';
import { Scene } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';
import { until } from '../support/until.ts';

const TABLES = 4;
/** Of one load; counted, so that a slow machine has as many before the daemon ends, meanwhile and after. */
const TRANSACTIONS = 2000;
/** So many are in the log when the daemon ends, and so many more are waited for after its start. */
const SOME = 200;

async function sysbench(scene: Scene, script: string, command: 'prepare' | 'run'): Promise<void> {
  const { host, port, user, password } = scene.source;
  const { status, stdout, stderr } = await runTool('sysbench', 'usr/bin/sysbench', [
    join(await sysbenchScripts(), `${script}.lua`), '--db-driver=mysql', `--mysql-host=${host}`, `--mysql-port=${port}`, `--mysql-user=${user}`,
    `--mysql-password=${password}`, `--mysql-db=${scene.schema}`, `--tables=${TABLES}`, '--table-size=2000', '--threads=8', '--time=0', `--events=${TRANSACTIONS}`,
    // Deadlocks, and MariaDB 11.8's "record has changed since last read", are part of such a load.
    '--mysql-ignore-errors=1213,1205,1020', command,
  ]);
  assert.equal(status, 0, `sysbench ${script} ${command}: ${stdout}\n${stderr}`);
}

for (const [index, source] of sources().entries()) describe(`sysbench on ${source.kind}`, () => {
  it('is taken back by one script, after the daemon was stopped and killed in the middle', async () => {
    await using scene = await Scene.open(source, backups()[index % backups().length]!);
    await sysbench(scene, 'oltp_read_write', 'prepare');
    const before = await scene.fingerprint();
    assert.equal(Object.keys(before).length, TABLES);
    const start = await scene.position();
    const from = { BINLOG_UNDO_START_POSITION: formatPosition(start) };
    let daemon = await scene.startDaemon(from);
    const last = async (): Promise<number> => Number((await scene.ledgerRows('SELECT MAX(ordinal) AS last FROM transactions'))[0]!.last);
    const beyond = (known: number): Promise<boolean> => until('more transactions in the log', async () => (await last()) >= known + SOME);
    for (const [script, end] of [['oltp_read_write', 'stop'], ['oltp_write_only', 'kill']] as const) {
      const load = (): Promise<void> => {
        const running = sysbench(scene, script, 'run');
        // When something else fails first, the tables go away under it: that is not what to tell.
        running.catch(() => undefined);
        return running;
      };
      const first = load();
      await beyond(await last());
      await daemon[end]();
      const known = await last();
      // The first may be over, with all of it in the log.
      const second = load();
      daemon = await scene.startDaemon(from);
      await beyond(known);
      await Promise.all([first, second]);
    }
    const stop = await scene.position();
    assert.notDeepEqual(await scene.fingerprint(), before);
    const script = await scene.cli('script', '--start-position', formatPosition(start), '--stop-position', formatPosition(stop), '--database', scene.schema, '--wait', '600');
    assert.equal(script.status, 0, script.stderr);
    const applied = await scene.apply(script.stdout);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await scene.fingerprint(), before);
    await scene.caughtUp();
    assert.deepEqual(await scene.gaps(), []);
    await daemon.stop();
  });
});
