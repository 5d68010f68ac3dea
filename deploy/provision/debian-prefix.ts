import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPrivateApt, downloadClosure } from './apt.ts';
import { notProvisioned } from './errors.ts';
import { exec, lastLines } from './exec.ts';
import { cacheRoot, platform } from './host.ts';
import { RECIPES, type PrefixKind, type Progress, type Recipe } from './kinds.ts';
import { loaderCommand } from './loader.ts';
import { findMirror } from './mirror.ts';
import { buildAside } from './tree.ts';

/** Debian packages with all they need, unpacked into a folder of their own. */
export interface Prefix {
  readonly kind: PrefixKind;
  /** The folder of this recipe in the cache; other things made from the prefix are kept here too. */
  readonly home: string;
  /** The folder that holds usr/. */
  readonly root: string;
  /** What the program itself says, for example 9.7.4 or 11.8.6-MariaDB. */
  readonly version: string;
}

interface Manifest {
  readonly version: string;
  readonly packages: readonly string[];
}

const pending = new Map<string, Promise<Prefix>>();

/** The prefix of this kind: from the cache when it is there, else downloaded, verified and unpacked. */
export function ensurePrefix(kind: PrefixKind, progress: Progress = () => undefined): Promise<Prefix> {
  const home = join(cacheRoot(), kind, recipeKey(kind));
  const known = pending.get(home);
  if (known !== undefined) return known;
  const made = obtain(kind, home, progress).catch((error: unknown) => {
    pending.delete(home);
    throw error;
  });
  pending.set(home, made);
  return made;
}

/** A changed recipe gets a new folder, so that an old copy is never taken for it. */
function recipeKey(kind: PrefixKind): string {
  return createHash('sha256').update(JSON.stringify([RECIPES[kind], process.arch])).digest('hex').slice(0, 12);
}

async function obtain(kind: PrefixKind, home: string, progress: Progress): Promise<Prefix> {
  const root = join(home, 'prefix');
  const cached = await readManifest(root);
  if (cached !== undefined) return { kind, home, root, version: cached.version };
  try {
    await buildAside(root, (aside) => unpackInto(kind, aside, progress));
  } catch (error) {
    throw notProvisioned(kind, error instanceof Error ? error.message : String(error), error);
  }
  const made = await readManifest(root);
  if (made === undefined) throw notProvisioned(kind, `${root} is there but not complete; remove it and try again`);
  return { kind, home, root, version: made.version };
}

async function readManifest(root: string): Promise<Manifest | undefined> {
  const text = await readFile(join(root, 'manifest.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Manifest);
}

async function unpackInto(kind: PrefixKind, root: string, progress: Progress): Promise<void> {
  const recipe = RECIPES[kind];
  const mirror = await findMirror();
  if (mirror === undefined) throw new Error('the apt sources of this machine name no Debian mirror');
  const started = Date.now();
  progress(`${kind}: fetching ${recipe.packages.join(', ')} (Debian ${recipe.suite}) from ${mirror}`);
  const state = join(root, '.apt');
  const apt = await createPrivateApt(state, mirror, recipe.suite, platform().architecture);
  await downloadClosure(apt, recipe.packages, recipe.alone);
  const files = (await readdir(apt.archives)).filter((name) => name.endsWith('.deb')).sort();
  await makeSkeleton(root);
  for (const file of files) await unpack(join(apt.archives, file), root);
  await rm(state, { recursive: true });
  const version = await programVersion(root, recipe);
  await writeFile(join(root, 'manifest.json'), JSON.stringify({ version, packages: files } satisfies Manifest, null, 2));
  progress(`${kind}: ${version} ready, ${files.length} packages in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** The links of a merged-/usr system, which the package base-files would give. */
async function makeSkeleton(root: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(root, name));
  }
}

async function unpack(file: string, root: string): Promise<void> {
  const unneeded = ['doc', 'man', 'locale', 'info'].map((name) => `--exclude=./usr/share/${name}`);
  const deb = spawn('dpkg-deb', ['--fsys-tarfile', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const tar = spawn('tar', ['-x', '-C', root, '--keep-directory-symlink', '--no-same-owner', ...unneeded], { stdio: ['pipe', 'ignore', 'pipe'] });
  const said: Buffer[] = [];
  for (const child of [deb, tar]) child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  tar.stdin.on('error', () => undefined); // tar's own status tells why it stopped reading
  deb.stdout.pipe(tar.stdin);
  const statuses = await Promise.all([once(deb, 'close'), once(tar, 'close')]);
  if (statuses.some(([status]) => status !== 0)) throw new Error(`cannot unpack ${file}: ${lastLines(Buffer.concat(said).toString('utf8'), 4)}`);
}

async function programVersion(root: string, { program, versionArgs }: Recipe): Promise<string> {
  const [command, args] = loaderCommand(root, program, versionArgs ?? ['--no-defaults', '--version']);
  // sysbench knows no --no-defaults; everything else must not look at the host's option files.
  const said = await exec(command, program.endsWith('sysbench') ? args.filter((arg) => arg !== '--no-defaults') : args);
  const version = /(?:Ver|Version|version|sysbench) (\d+(?:\.\d+)+(?:-MariaDB)?)/.exec(said.stdout)?.[1];
  if (version === undefined) throw new Error(`${program} does not start from its prefix: ${lastLines(said.stderr, 4)}`);
  return version;
}
