import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Cleanup } from '../../deploy/demo/cleanup.ts';
import { ROOT } from '../../deploy/demo/program.ts';
import { runDemo } from '../../deploy/demo/run-demo.ts';

interface Ended {
  readonly status: number | null;
  readonly output: string;
  /** What is left in the temporary folder that the demo was given. */
  readonly left: readonly string[];
}

/** The demo as a process of its own, on the source tree instead of a build. @param onText sees all that was printed so far */
async function demo(args: readonly string[], onText: (text: string, signal: (name: NodeJS.Signals) => void) => void = () => undefined): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'));
  const child = spawn(process.execPath, ['--import', 'tsx', 'deploy/demo/demo.ts', '--from-source', ...args], {
    cwd: ROOT, env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      onText(output, (name) => void child.kill(name));
    });
  }
  await once(child, 'close');
  // tsx keeps its compile cache in the temporary folder.
  const left = (await readdir(folder)).filter((name) => !name.startsWith('tsx-') && name !== 'node-compile-cache');
  await rm(folder, { recursive: true, force: true });
  return { status: child.exitCode, output, left };
}

describe('npm run demo', () => {
  it('tells the story to its end, proves each claim, ends with 0 and leaves nothing behind', async () => {
    const { status, output, left } = await demo([]);
    assert.equal(status, 0, output);
    assert.match(output, /^All 8 claims held\.$/m);
    assert.equal(output.match(/^ +proved {2}/gm)?.length, 8, output);
    assert.doesNotMatch(output, /FAILED/);
    // eslint-disable-next-line no-control-regex -- what is asserted: plain ASCII
    assert.match(output.replace(/^ +\| .*$/gm, ''), /^[\x00-\x7f]*$/);
    assert.deepEqual(left, []);
  });

  it('ends at once on Ctrl-C and leaves nothing behind', async () => {
    let sent = false;
    const { status, output, left } = await demo([], (text, signal) => {
      if (sent || !text.includes('[4/8]')) return;
      sent = true;
      signal('SIGINT');
    });
    assert.equal(status, 130, output);
    assert.deepEqual(left, []);
  });

  it('says that it failed when the script does not bring the data back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'demo-'));
    const useless = join(folder, 'useless.mjs');
    await writeFile(useless, [
      "const [command, ...rest] = process.argv.slice(2);",
      "if (command === 'script') process.stdout.write('SELECT 1;\\n');",
      `else { process.argv = [process.argv[0], process.argv[1], command, ...rest]; await import(${JSON.stringify(join(ROOT, 'src/cli/main.ts'))}); }`,
      '',
    ].join('\n'));
    const cleanup = new Cleanup();
    try {
      const proofs = await runDemo({ program: ['--import', 'tsx', useless], keep: false, write: () => undefined, cleanup });
      const failed = proofs.filter(({ holds }) => !holds).map(({ claim }) => claim);
      assert.ok(failed.includes('name and price of every product, byte by byte'), failed.join('; '));
    } finally {
      await cleanup.run();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('refuses an option that it does not know', async () => {
    const { status, output } = await demo(['--kep']);
    assert.equal(status, 2);
    assert.match(output, /Unknown option --kep/);
  });
});
