/** Run by lifetime.test.ts: starts a server, says where it is, and then does what its first argument asks. */
import { startServer } from '../../deploy/provision/index.ts';

const server = await startServer('mariadb-10.11', { bufferPoolMiB: 16 });
const mode = process.argv[2];
if (mode === 'keep') server.keep();
process.stdout.write(`${JSON.stringify({ pid: server.pid, dataDir: server.dataDir })}\n`);
if (mode === 'throw') throw new Error('on purpose');
if (mode === 'wait') setInterval(() => undefined, 60_000);
