/**
 * npm test [-- FILTER...] [-- --test-name-pattern=...]: starts the servers, runs the test files whose path contains one
 * of the filters (all without one), stops the servers, and exits with the tests' status.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProvisionError, sweepStaleServers } from '../deploy/provision/index.ts';
import { register, release } from '../deploy/provision/lifetime.ts';
import { fleetEnvironment, startFleet, type Fleet, type SharedServer } from './support/fleet.ts';

// For one file; a loaded machine takes several times as long as a quiet one.
const TEST_TIMEOUT_MS = 25 * 60_000;
// Two cores are common, and the servers need their share.
const FILES_AT_ONCE = 2;

const root = join(import.meta.dirname, '..');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function testFiles(filters: readonly string[]): Promise<string[]> {
  const all = await readdir(join(root, 'test'), { recursive: true });
  return all
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join('test', file))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
}

async function runTests(files: readonly string[], nodeOptions: readonly string[], fleet: Fleet): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-tests-'));
  const failures = join(folder, 'failures');
  const reporters = [['spec', 'stdout'], [join(root, 'scripts', 'failures.mjs'), failures]].flatMap(([reporter, destination]) => [`--test-reporter=${reporter!}`, `--test-reporter-destination=${destination!}`]);
  const options = ['--import', 'tsx', '--test', ...reporters, '--test-force-exit', `--test-concurrency=${FILES_AT_ONCE}`, `--test-timeout=${TEST_TIMEOUT_MS}`];
  const child = spawn(process.execPath, [...options, ...nodeOptions, ...files], { cwd: root, stdio: 'inherit', env: { ...process.env, ...fleetEnvironment(fleet) } });
  const mortal = { endNow: () => void child.kill('SIGTERM') };
  register(mortal);
  await once(child, 'exit');
  release(mortal);
  // Last, so that the end of a long log tells what failed.
  const failed = await readFile(failures, 'utf8');
  if (failed !== '') say(`\nfailed:\n${failed}`);
  await rm(folder, { recursive: true });
  return child.exitCode ?? 1;
}

function describe(role: string, server: SharedServer): string {
  return `  ${role} ${server.kind}: ${server.flavour} ${server.version} at ${server.host}:${server.port}`;
}

async function main(args: readonly string[]): Promise<number> {
  const nodeOptions = args.filter((arg) => arg.startsWith('-'));
  const filters = args.filter((arg) => !arg.startsWith('-'));
  const files = await testFiles(filters);
  if (files.length === 0) {
    say(`No test file has ${filters.map((filter) => JSON.stringify(filter)).join(' or ')} in its path.`);
    return 2;
  }
  for (const folder of sweepStaleServers()) say(`removed ${folder}, left by a run that was killed`);
  const started = Date.now();
  const fleet = await startFleet(say);
  say(`servers tested (ready in ${((Date.now() - started) / 1000).toFixed(1)} s):`);
  for (const server of fleet.sources) say(describe('source', server));
  for (const server of fleet.backups) say(describe('backup', server));
  try {
    return await runTests(files, nodeOptions, fleet);
  } finally {
    await fleet.stop();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ProvisionError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
