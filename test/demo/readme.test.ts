import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { exec } from '../../deploy/provision/index.ts';
import { ENV_CONFIG_FILE, ENV_PREFIX, SETTINGS } from '../../src/config/schema.ts';

const root = join(import.meta.dirname, '../..');
const PAGES = ['README.md', 'CONTRIBUTING.md', 'docs/README.md', 'docs/glossary.md', 'docs/architecture.md'];
const read = (page: string): string => readFileSync(join(root, page), 'utf8');

interface Shown {
  readonly command: string;
  readonly flags: readonly string[];
}

/** Commands in fenced blocks: `binlog-undo script --opid ...`, also over several lines and behind `npx` or a prompt. */
function shownCommands(text: string): Shown[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, block]) => (block ?? '').replaceAll('\\\n', ' '));
  const lines = blocks.flatMap((block) => block.split('\n')).filter((line) => !line.startsWith('--') && !line.startsWith('#'));
  return lines.flatMap((line) => [...line.matchAll(/(?:^|\$ |npx )binlog-undo ([a-z]+)([^|>&]*)/g)].map(([, command = '', rest = '']) => ({
    command, flags: [...rest.matchAll(/(?<=\s)--([a-z-]+)/g)].map(([, flag = '']) => flag),
  })));
}

async function help(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await exec(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args, '--help'], { cwd: root });
  assert.equal(status, 0, stderr);
  return stdout;
}

describe('the README', () => {
  it('shows only commands and options that --help knows', async () => {
    const shown = shownCommands(read('README.md'));
    for (const command of ['check', 'run', 'find', 'plan', 'script', 'status']) assert.ok(shown.some((one) => one.command === command), command);
    for (const command of new Set(shown.map((one) => one.command))) {
      const text = await help(command);
      for (const flag of shown.filter((one) => one.command === command).flatMap((one) => one.flags)) {
        assert.match(text, new RegExp(`--${flag}\\b`), `binlog-undo ${command} --${flag}`);
      }
    }
  });

  it('names every command that there is', async () => {
    const commands = [...(await help()).matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, command]) => command ?? '');
    assert.ok(commands.length > 0);
    for (const command of commands) assert.ok(read('README.md').includes(`binlog-undo ${command}`), command);
  });

  it('names only environment variables and npm scripts that exist', () => {
    const known = new Set([ENV_CONFIG_FILE, ...SETTINGS.map(({ env }) => env)]);
    const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts);
    for (const page of PAGES) {
      for (const [name] of read(page).matchAll(new RegExp(`\\b${ENV_PREFIX}[A-Z_]*[A-Z]\\b`, 'g'))) assert.ok(known.has(name), `${page}: ${name}`);
      for (const [, script = ''] of read(page).matchAll(/npm run ([a-z]+)/g)) assert.ok(scripts.includes(script), `${page}: npm run ${script}`);
    }
  });
});

it('links between the pages lead somewhere', () => {
  for (const page of PAGES) {
    for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(root, dirname(page), target)), `${page}: ${target}`);
    }
  }
});

it('files of src/ and test/ that the pages name exist', () => {
  for (const page of PAGES) {
    for (const [, path = ''] of read(page).matchAll(/`((?:src|test|deploy|docs|scripts)\/[\w./-]+)`/g)) assert.ok(existsSync(join(root, path)), `${page}: ${path}`);
  }
});
