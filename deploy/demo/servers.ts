import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { startServer, toolCommand, type Progress, type RunningServer } from '../provision/index.ts';

/** One kind for both, so that a fresh machine fetches one server only. */
const KIND = 'mysql-9.7';

export interface Servers {
  readonly shop: RunningServer;
  readonly backup: RunningServer;
}

/** What the daemon's two accounts need, no more. README.md shows the same statements. */
const PASSWORD = 'undo-demo';
const SOURCE_GRANTS = ["CREATE USER 'undo'@'127.0.0.1' IDENTIFIED BY ?", "GRANT REPLICATION SLAVE, REPLICATION CLIENT, PROCESS, SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO 'undo'@'127.0.0.1'"];
const BACKUP_GRANTS = [
  "CREATE USER 'undo_log'@'127.0.0.1' IDENTIFIED BY ?",
  "GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON `binlog\\_undo`.* TO 'undo_log'@'127.0.0.1'",
  "GRANT CREATE, SELECT, INSERT, DELETE ON `shop\\_%`.* TO 'undo_log'@'127.0.0.1'",
  "GRANT CREATE, DROP, ALTER, INDEX, REFERENCES, SELECT, INSERT ON `binlog\\_undo\\_scratch\\_%`.* TO 'undo_log'@'127.0.0.1'",
];

export function asRoot(server: RunningServer): Promise<Connection> {
  return createConnection({ host: server.host, port: server.port, user: server.rootUser, password: server.rootPassword, charset: 'utf8mb4', dateStrings: true });
}

/** @param started told of each server as soon as it runs, so that it is ended whatever follows */
export async function startServers(progress: Progress, started: (server: RunningServer) => void): Promise<Servers> {
  const shop = await startServer(KIND, { bufferPoolMiB: 64, progress });
  started(shop);
  // It holds the log only: nobody tails it, so it writes no binlog of its own.
  const backup = await startServer(KIND, { bufferPoolMiB: 64, logBin: false, gtid: false, progress });
  started(backup);
  await grant(shop, SOURCE_GRANTS);
  await grant(backup, BACKUP_GRANTS);
  return { shop, backup };
}

async function grant(server: RunningServer, statements: readonly string[]): Promise<void> {
  const root = await asRoot(server);
  try {
    for (const statement of statements) await root.query(statement, statement.includes('?') ? [PASSWORD] : []);
  } finally {
    await root.end();
  }
}

/** The configuration file of binlog-undo. */
export async function writeConfiguration(path: string, { shop, backup }: Servers, adminPort: number): Promise<void> {
  const configuration = {
    source: { host: shop.host, port: shop.port, user: 'undo', password: PASSWORD, alias: 'shop' },
    backup: { host: backup.host, port: backup.port, user: 'undo_log', password: PASSWORD },
    startPosition: 'earliest',
    admin: { port: adminPort },
  };
  await writeFile(path, `${JSON.stringify(configuration, null, 2)}\n`, { mode: 0o600 });
}

/** A command that starts the stock client against a server as root: the client is unpacked, not installed. */
export async function writeClient(folder: string, name: string, { host, port, rootUser }: RunningServer): Promise<string> {
  const tool = await toolCommand(KIND, 'usr/bin/mysql', ['--no-defaults', `--host=${host}`, `--port=${port}`, `--user=${rootUser}`, '--default-character-set=utf8mb4']);
  return writeCommand(join(folder, name), `exec ${[tool.command, ...tool.args].map(quote).join(' ')} "$@"`);
}

/** A command that ends what --keep left running, in order, and removes the folders. */
export async function writeStop(folder: string, pids: readonly number[], folders: readonly string[]): Promise<string> {
  const end = pids.map((pid) => `kill ${pid} && while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done`);
  return writeCommand(join(folder, 'stop'), [...end, `rm -rf ${folders.map(quote).join(' ')}`].join('\n'));
}

async function writeCommand(path: string, body: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
