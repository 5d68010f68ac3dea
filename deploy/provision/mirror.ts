import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from './exec.ts';

/**
 * The Debian package mirror that this machine's own apt sources name, as a URL without a trailing slash.
 * Undefined when they name none. Only an archive of the main Debian distribution counts: its path ends in /debian.
 */
export async function findMirror(etcApt = '/etc/apt'): Promise<string | undefined> {
  return pickMirror(await indexSites()) ?? pickMirror(await sourceUris(etcApt));
}

/** What apt itself makes of the sources, which covers every form it understands. */
async function indexSites(): Promise<string[]> {
  try {
    const result = await exec('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']);
    return result.status === 0 ? result.stdout.split('\n') : [];
  } catch {
    return []; // no apt-get here: the files may still be there
  }
}

async function sourceUris(etcApt: string): Promise<string[]> {
  const folder = join(etcApt, 'sources.list.d');
  const names = (await readdir(folder).catch((): string[] => [])).sort().map((name) => join(folder, name));
  const uris: string[] = [];
  for (const path of [join(etcApt, 'sources.list'), ...names]) {
    const text = await readFile(path, 'utf8').catch(() => '');
    uris.push(...(path.endsWith('.sources') ? deb822Uris(text) : oneLineUris(text)));
  }
  return uris;
}

/** URIs of one-line entries: `deb [options] URI suite component...`. */
export function oneLineUris(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)/.exec(line);
    return match === null ? [] : [match[1]!];
  });
}

/** URIs of deb822 stanzas that are enabled and of type deb. */
export function deb822Uris(text: string): string[] {
  return text
    .replace(/^#.*\n?/gm, '')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const field = (name: string): string => new RegExp(`^${name}:[ \\t]*((?:.*)(?:\\n[ \\t]+.*)*)`, 'im').exec(stanza)?.[1] ?? '';
      const enabled = !/^(no|false|off|0)$/i.test(field('Enabled').trim());
      const types = field('Types').split(/\s+/);
      return enabled && types.includes('deb') ? field('URIs').split(/\s+/).filter((uri) => uri !== '') : [];
    });
}

export function pickMirror(uris: readonly string[]): string | undefined {
  return uris.map((uri) => uri.trim().replace(/\/+$/, '')).find((uri) => /^(https?|file):\/.*\/debian$/.test(uri));
}
