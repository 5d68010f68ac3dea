/**
 * How fast history is removed, against how fast it came in: row changes/s of capture alone, of capture and projection, and of purge,
 * with the processor time that the backup server spent on each; and the space that its tables take before and after.
 *   npm run build && npx tsx bench/purge.ts [row changes] [rows to a statement]
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Scene } from '../test/support/scene.ts';
import { backups, source } from '../test/support/servers.ts';

const CHANGES = Number(process.argv[2] ?? 300_000);
const PER_STATEMENT = Number(process.argv[3] ?? 500);

for (const store of backups()) {
  await using scene = await Scene.open(source('mysql'), store, { env: { BINLOG_UNDO_RETENTION_SHRINK_ABOVE: '8M' } });
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, k INT, c CHAR(120), pad CHAR(60))');
  let daemon = await scene.startDaemon();
  await scene.db.query("INSERT INTO t VALUES (0, 0, '', '')");
  await scene.caughtUp();
  await daemon.stop();
  const text = '0123456789-'.repeat(11);
  for (let id = 1; id <= CHANGES;) {
    const statements = Array.from({ length: Math.ceil(500 / PER_STATEMENT) }, () =>
      `INSERT INTO t VALUES ${Array.from({ length: PER_STATEMENT }, () => `(${id}, ${id++ * 7}, '${text.slice(0, 119)}', '${text.slice(0, 59)}')`).join(', ')}`);
    await scene.db.query(statements.join('; '));
  }
  const [[{ pid, folder }]] = await scene.log.query('SELECT @@pid_file AS pid, @@datadir AS folder') as unknown as [[{ pid: string; folder: string }]];
  const stat = `/proc/${readFileSync(pid.startsWith('/') ? pid : join(folder, pid), 'utf8').trim()}/stat`;
  /** Of the backup server, in seconds. */
  const cpu = (): number => {
    const fields = readFileSync(stat, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };
  const megabytes = (): number => [scene.ledger, scene.backupDatabase.replaceAll('-', '@002d')].reduce((sum, name) => sum +
    readdirSync(join(folder, name)).reduce((bytes, file) => bytes + statSync(join(folder, name, file)).size, 0), 0) / 1024 ** 2;
  const start = (): (() => string) => {
    const [since, spent] = [performance.now(), cpu()];
    return () => `${(CHANGES / (performance.now() - since)).toFixed(1)} k row changes/s (server ${(cpu() - spent).toFixed(1)} s)`;
  };
  const [captured, projected] = [start(), start()];
  daemon = await scene.startDaemon({ BINLOG_UNDO_RETENTION_INTERVAL_SECONDS: '0' });
  await scene.caughtUp({ projected: false });
  process.stdout.write(`${store.kind}: captured ${captured()}, `);
  await scene.caughtUp();
  process.stdout.write(`captured and projected ${projected()}, `);
  await daemon.stop();
  const full = megabytes();
  const purged = start();
  const { stdout, stderr } = await scene.cli('purge', '--before', '2037-01-01T00:00:00Z');
  process.stdout.write(`purged ${purged()}\n  files ${full.toFixed(0)} MiB before, ${megabytes().toFixed(0)} MiB after\n  ${(stdout || stderr).split('\n').slice(0, 2).join(' ')}\n`);
}
process.exit();
