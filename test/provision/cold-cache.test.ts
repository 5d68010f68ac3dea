import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createPrivateApt, downloadClosure } from '../../deploy/provision/apt.ts';
import { execOk } from '../../deploy/provision/index.ts';
import { platform } from '../../deploy/provision/host.ts';
import { findMirror } from '../../deploy/provision/mirror.ts';

async function inScratch(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-cold-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('an empty cache', () => {
  it('is filled by two processes at the same time without harm', () =>
    inScratch(async (cache) => {
      const script = "import('./deploy/provision/index.ts').then(async (p) => console.log((await p.runTool('sysbench', 'usr/bin/sysbench', ['--version'])).stdout.trim()))";
      const run = (): Promise<string> => execOk(process.execPath, ['--import', 'tsx', '--eval', script], { env: { ...process.env, TEST_SERVER_CACHE: cache } });
      const [one, two] = await Promise.all([run(), run()]);
      assert.match(one, /^sysbench 1\./);
      assert.equal(two, one);
      const recipe = join(cache, 'sysbench', (await readdir(join(cache, 'sysbench')))[0] ?? '');
      assert.deepEqual(await readdir(recipe), ['prefix']);
    }));

  it('takes nothing whose signature is not by the trusted keys', () =>
    inScratch(async (folder) => {
      const mirror = await findMirror();
      assert.ok(mirror !== undefined);
      // Keys of Debian too, but not those that sign this release.
      const apt = await createPrivateApt(folder, mirror, 'bookworm', platform().architecture, '/usr/share/keyrings/debian-archive-removed-keys.gpg');
      await assert.rejects(downloadClosure(apt, ['tzdata']), /NO_PUBKEY|not signed|signatures couldn't be verified/i);
      assert.deepEqual((await readdir(apt.archives)).filter((name) => name.endsWith('.deb')), []);
    }));
});
