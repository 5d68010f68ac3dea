import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { runTool } from '../../deploy/provision/index.ts';
import { SETTINGS } from '../../src/config/schema.ts';

const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy');

it('deploy/compose.yaml and the manifests set only variables that the daemon knows', async () => {
  const known = new Set(SETTINGS.map(({ env }) => env));
  for (const file of ['compose.yaml', join('kubernetes', 'binlog-undo.yaml')]) {
    const names = [...(await readFile(join(DEPLOY, file), 'utf8')).matchAll(/BINLOG_UNDO_\w+/g)].map(([name]) => name);
    assert.ok(names.length > 5);
    for (const name of names) assert.ok(known.has(name), `${file}: ${name}`);
  }
});

it('every file that deploy/compose.yaml mounts is there', async () => {
  const mounted = [...(await readFile(join(DEPLOY, 'compose.yaml'), 'utf8')).matchAll(/[- "](\.\/[^:"]+):\//g)].map(([, path]) => path!);
  assert.ok(mounted.length >= 3);
  for (const path of mounted) await access(join(DEPLOY, path));
});

it('promtool takes the scrape configuration of deploy/compose.yaml', async () => {
  const { status, stdout, stderr } = await runTool('prometheus', 'usr/bin/promtool', ['check', 'config', 'prometheus.yaml'], { cwd: join(DEPLOY, 'prometheus') });
  assert.equal(status, 0, stdout + stderr);
});
