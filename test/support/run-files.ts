import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { register, release } from '../../deploy/provision/lifetime.ts';
import { fleetEnvironment, type Fleet } from './fleet.ts';

// For one file; a loaded machine takes several times as long as a quiet one.
const TEST_TIMEOUT_MS = 25 * 60_000;
// One more than the two cores that are common: a file waits for its servers, its daemon and the disk about as long as any of them works.
const FILES_AT_ONCE = 3;
const ROOT = join(import.meta.dirname, '..', '..');
const FAILURES_REPORTER = join(ROOT, 'scripts', 'failures.mjs');

export interface Failure {
  /** Path from the project's folder. */
  readonly file: string;
  readonly name: string;
  readonly reason: string;
}

export interface RunResult {
  /** The test runner's exit status. */
  readonly status: number;
  readonly failures: readonly Failure[];
}

/** Runs test files on a fleet with node's test runner, whose report goes to standard output. */
export async function runFiles(files: readonly string[], nodeOptions: readonly string[], fleet: Fleet): Promise<RunResult> {
  const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-tests-'));
  const path = join(folder, 'failures');
  const options = [
    '--import', 'tsx', '--test', '--test-reporter=spec', '--test-reporter-destination=stdout', `--test-reporter=${FAILURES_REPORTER}`, `--test-reporter-destination=${path}`,
    '--test-force-exit', `--test-concurrency=${FILES_AT_ONCE}`, `--test-timeout=${TEST_TIMEOUT_MS}`,
  ];
  const child = spawn(process.execPath, [...options, ...nodeOptions, ...files], { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...fleetEnvironment(fleet) } });
  const mortal = { endNow: () => void child.kill('SIGTERM') };
  register(mortal);
  await once(child, 'exit');
  release(mortal);
  // No file: the runner was ended before it began.
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  await rm(folder, { recursive: true });
  const told = lines.map((line) => JSON.parse(line) as Failure & { bySubtests: boolean }).map((failure) => ({ ...failure, file: relative(ROOT, failure.file) }));
  // A suite that failed by its tests has nothing to add to them; a file that ended badly by itself is told in the same way, and alone.
  const owners = new Set(told.filter(({ bySubtests }) => !bySubtests).map(({ file }) => file));
  return { status: child.exitCode ?? 1, failures: told.filter(({ file, bySubtests }) => !bySubtests || !owners.has(file)) };
}
