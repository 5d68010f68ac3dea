import assert from 'node:assert/strict';
import { cp, lstat, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { exec, execOk } from '../../deploy/provision/index.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface Instruction {
  readonly name: string;
  readonly args: string;
}

/** The instructions of each stage. */
async function stages(): Promise<Instruction[][]> {
  const text = (await readFile(join(ROOT, 'Dockerfile'), 'utf8')).replace(/^#.*\n/gm, '').replaceAll('\\\n', ' ');
  const found: Instruction[][] = [];
  for (const line of text.split('\n').filter((candidate) => candidate.trim() !== '')) {
    const [, name = '', args = ''] = /^(\w+) (.*)$/.exec(line) ?? [];
    if (name === 'FROM') found.push([]);
    found.at(-1)!.push({ name, args });
  }
  return found;
}

/** No engine is at hand: what the last stage would hold is put together by its COPY lines, with `npm ci` as the middle one does it. */
describe('the image', () => {
  let app: string;
  let last: Instruction[];
  before(async () => {
    app = await mkdtemp(join(tmpdir(), 'binlog-undo-image-'));
    last = (await stages()).at(-1)!;
    for (const { args } of last.filter(({ name }) => name === 'COPY')) {
      const words = args.split(' ');
      const from = words[0]!.startsWith('--from=') ? words.shift()!.slice('--from='.length) : null;
      const to = words.pop()!;
      if (from === 'dependencies') continue;
      for (const file of words) await cp(from === 'build' ? join(ROOT, file.replace('/build/', '')) : join(ROOT, file), join(app, to === './' ? file : to), { recursive: true });
    }
    await cp(join(ROOT, 'package-lock.json'), join(app, 'package-lock.json'));
    await execOk('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: app });
    await rm(join(app, 'package-lock.json'));
  });
  after(() => rm(app, { recursive: true, force: true }));

  it('copies only files that are there and that .dockerignore lets in', async () => {
    const allowed = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    for (const { name, args } of (await stages()).flat()) {
      if (name !== 'COPY' || args.startsWith('--from=')) continue;
      for (const file of args.split(' ').slice(0, -1)) {
        assert.ok(await stat(join(ROOT, file)), file);
        assert.ok(allowed.some((entry) => file === entry || file.startsWith(`${entry}/`)), `${file} is kept out by .dockerignore`);
      }
    }
  });

  it('runs as a numbered user without a shell, from a base that is pinned', async () => {
    const value = (name: string): string => last.find((instruction) => instruction.name === name)?.args ?? '';
    assert.match(value('USER'), /^[1-9]\d*:[1-9]\d*$/);
    assert.deepEqual(JSON.parse(value('ENTRYPOINT')), ['node', '/app/dist/cli/main.js']);
    for (const stage of await stages()) assert.match(stage[0]!.args, /^node:\d+\.\d+\.\d+-/);
  });

  it('starts with node alone, as another user, and finds no package that only development needs', async () => {
    assert.deepEqual((await readdir(app)).sort(), ['LICENSE', 'dist', 'node_modules', 'package.json']);
    const packages = await readdir(join(app, 'node_modules'));
    for (const name of ['typescript', 'eslint', 'tsx', 'fast-check']) assert.ok(!packages.includes(name), name);
    await execOk('chmod', ['-R', 'a+rX,a-w', app]);
    const main = join(app, 'dist', 'cli', 'main.js');
    const command = process.getuid?.() === 0 ? ['setpriv', '--reuid=65532', '--regid=65532', '--clear-groups', process.execPath, main] : [process.execPath, main];
    const env = { PATH: process.env.PATH ?? '', BINLOG_UNDO_BACKUP_HOST: '127.0.0.1', BINLOG_UNDO_BACKUP_PORT: '1', BINLOG_UNDO_BACKUP_USER: 'u', BINLOG_UNDO_SOURCE_HOST: '127.0.0.1', BINLOG_UNDO_SOURCE_PORT: '1', BINLOG_UNDO_SOURCE_USER: 'u', BINLOG_UNDO_ADMIN_PORT: '0' };
    const [program, ...args] = command;
    const help = await exec(program!, [...args, '--help'], { env, cwd: '/' });
    assert.equal(help.status, 0, help.stderr);
    // As far as a command gets without servers: everything it imports was found.
    const run = await exec(program!, [...args, 'run'], { env, cwd: '/' });
    assert.match(run.stderr, /SOURCE_UNREACHABLE/);
    await assert.rejects(writeFileAs(join(app, 'dist', 'x')));
  });
});

/** Root may write anywhere: the modes tell what others may. */
async function writeFileAs(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return writeFile(path, '');
  const { mode } = await lstat(join(path, '..'));
  if ((mode & 0o222) === 0) throw new Error('not writable');
}
