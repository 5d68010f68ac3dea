/**
 * How fast history is removed, against how fast it came in: row changes/s of capture alone, of capture and projection, and of purge,
 * with the processor time that the backup server spent on each; and the space that its tables take before and after.
 * Then as much once more, captured alone and captured while the first is purged: how far a purge is felt.
 *   npm run build && npx tsx bench/purge.ts [row changes] [rows to a statement] [log: without the projection; shrink: tables are rebuilt from 8 MiB on]
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Scene } from '../test/support/scene.ts';
import { backups, source } from '../test/support/servers.ts';

const CHANGES = Number(process.argv[2] ?? 300_000);
const PER_STATEMENT = Number(process.argv[3] ?? 500);
const LOG_ONLY = process.argv[4] === 'log';
const SHRINK = process.argv[4] === 'shrink';

for (const store of backups()) {
  await using scene = await Scene.open(source('mysql'), store, { env: { ...(SHRINK && { BINLOG_UNDO_RETENTION_SHRINK_ABOVE: '8M' }), ...(LOG_ONLY && { BINLOG_UNDO_PROJECTION_ENABLED: 'false' }) } });
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, k INT, c CHAR(120), pad CHAR(60))');
  let daemon = await scene.startDaemon();
  await scene.db.query("INSERT INTO t VALUES (0, 0, '', '')");
  await scene.caughtUp({ projected: !LOG_ONLY });
  await daemon.stop();
  const text = '0123456789-'.repeat(11);
  let id = 1;
  const write = async (): Promise<void> => {
    for (const end = id + CHANGES; id < end;) {
      const statements = Array.from({ length: Math.ceil(500 / PER_STATEMENT) }, () =>
        `INSERT INTO t VALUES ${Array.from({ length: PER_STATEMENT }, () => `(${id}, ${id++ * 7}, '${text.slice(0, 119)}', '${text.slice(0, 59)}')`).join(', ')}`);
      await scene.db.query(statements.join('; '));
    }
  };
  await write();
  const [[{ pid, folder }]] = await scene.log.query('SELECT @@pid_file AS pid, @@datadir AS folder') as unknown as [[{ pid: string; folder: string }]];
  const stat = `/proc/${readFileSync(pid.startsWith('/') ? pid : join(folder, pid), 'utf8').trim()}/stat`;
  /** Of the backup server, in seconds. */
  const cpu = (): number => {
    const fields = readFileSync(stat, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };
  const megabytes = (): number => [scene.ledger, ...(LOG_ONLY ? [] : [scene.backupDatabase.replaceAll('-', '@002d')])].reduce((sum, name) => sum +
    readdirSync(join(folder, name)).reduce((bytes, file) => bytes + statSync(join(folder, name, file)).size, 0), 0) / 1024 ** 2;
  interface Rate { readonly rate: number; readonly text: string }
  const start = (): (() => Rate) => {
    const [since, spent] = [performance.now(), cpu()];
    return () => {
      const rate = CHANGES / (performance.now() - since);
      return { rate, text: `${rate.toFixed(1)} k row changes/s (server ${(cpu() - spent).toFixed(1)} s)` };
    };
  };
  const projected = !LOG_ONLY;
  /** How fast the daemon takes what is waiting, projected as well where it does that. */
  const capture = async (what: string): Promise<Rate> => {
    const taken = start();
    daemon = await scene.startDaemon({ BINLOG_UNDO_RETENTION_INTERVAL_SECONDS: '0' });
    await scene.caughtUp({ projected: false });
    process.stdout.write(`${store.kind}: ${what} captured ${taken().text}`);
    if (projected) await scene.caughtUp();
    const done = taken();
    process.stdout.write(projected ? `, with its projection ${done.text}\n` : '\n');
    await daemon.stop();
    return done;
  };
  const purge = async (...args: string[]): Promise<Rate> => {
    const purged = start();
    const { stdout, stderr } = await scene.cli('purge', ...args);
    const done = purged();
    process.stdout.write(`${store.kind}: purged ${done.text}: ${(stdout || stderr).split('\n').slice(0, 2).join(' ')}\n`);
    return done;
  };
  const first = await capture('first half');
  const full = megabytes();
  const alone = await purge('--before', '2037-01-01T00:00:00Z');
  process.stdout.write(`${store.kind}: purge to capture ${(alone.rate / first.rate).toFixed(2)}; files ${full.toFixed(0)} MiB before, ${megabytes().toFixed(0)} MiB after\n`);
  await write();
  const second = await capture('once more,');
  const [[{ opid }]] = await scene.log.query(`SELECT MAX(opid) AS opid FROM \`${scene.ledger}\`.operations`) as unknown as [[{ opid: string }]];
  await write();
  const [beside, purging] = await Promise.all([capture('beside a purge,'), purge('--before-opid', opid)]);
  process.stdout.write(`${store.kind}: capture beside a purge to capture alone ${(beside.rate / second.rate).toFixed(2)}; that purge to capture ${(purging.rate / second.rate).toFixed(2)}\n`);
}
process.exit();
