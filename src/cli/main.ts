#!/usr/bin/env node
import { main } from './program.ts';

const argv = process.argv.slice(2);
const daemon = ['run', 'serve'].includes(argv[0] ?? '');
const stop = new AbortController();
for (const [name, status] of [['SIGTERM', 143], ['SIGINT', 130]] as const) {
  process.on(name, () => {
    // The daemon finishes its batch, and the API its requests; the second signal, and every other command, ends at once.
    if (!daemon || stop.signal.aborted) process.exit(status);
    stop.abort();
  });
}
// Nobody reads any more: a pipe that was closed is no failure to be told of.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(1);
  throw error;
});
process.exitCode = await main(argv, { stdout: process.stdout, stderr: process.stderr, env: process.env, signal: stop.signal });
// A connection to a server that does not answer would keep the process for as long; what it logs is written by now.
if (daemon) process.exit();
