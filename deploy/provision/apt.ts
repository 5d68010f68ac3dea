import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, execOk } from './exec.ts';

/** An apt of our own: own sources, lists, status and archives. The host's packages are neither read nor changed. */
export interface PrivateApt {
  readonly env: NodeJS.ProcessEnv;
  readonly archives: string;
}

const KEYRINGS = ['/usr/share/keyrings/debian-archive-keyring.gpg', '/usr/share/keyrings/debian-archive-keyring.pgp'];

/**
 * Dependencies that only maintainer scripts, service managers or Perl helpers need. A server that is started through
 * its prefix's loader never touches them, and they are more than half of the download.
 */
const NOT_NEEDED =
  /^(perl|perl-base|perl-modules-[\d.]+|libperl[\d.]+(t64)?|debconf|cdebconf|dpkg|tar|systemd.*|libsystemd-shared|init-system-helpers|passwd|adduser|galera-4|gawk|mawk|psmisc|socat|rsync|lsof|libdbi-perl|libconfig-inifiles-perl|libgdbm.*|libdb5.*|gcc-\d+-base)$/;

/** @param keyring the only keys trusted; by default those of the package debian-archive-keyring */
export async function createPrivateApt(root: string, mirror: string, suite: string, architecture: string, keyring?: string): Promise<PrivateApt> {
  const trusted = keyring ?? (await findKeyring());
  const archives = join(root, 'var/cache/apt/archives');
  for (const folder of ['etc/apt/apt.conf.d', 'etc/apt/preferences.d', 'etc/apt/sources.list.d', 'var/lib/apt/lists/partial', 'var/cache/apt/archives/partial', 'var/lib/dpkg']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  // An empty machine: what apt resolves is then the complete closure, libc included.
  await writeFile(join(root, 'var/lib/dpkg/status'), '');
  await writeFile(join(root, 'etc/apt/sources.list'), `deb [arch=${architecture} signed-by=${trusted}] ${mirror} ${suite} main\n`);
  const conf = join(root, 'apt.conf');
  await writeFile(conf, [...settings(root, architecture), ...(await proxySettings()), ''].join('\n'));
  return { env: { ...process.env, APT_CONFIG: conf, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }, archives };
}

function settings(root: string, architecture: string): string[] {
  return [
    `Dir "${root}/";`,
    `Dir::State::status "${root}/var/lib/dpkg/status";`,
    'Dir::Etc::trusted "/dev/null";',
    'Dir::Etc::trustedparts "/dev/null/";',
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    'APT::Sandbox::User "";',
    'APT::Install-Recommends "false";',
    'Acquire::Languages "none";',
    // A mirror frozen for longer than sid's validity of a week still serves; the signature is checked all the same.
    'Acquire::Check-Valid-Until "false";',
    'Acquire::Retries "3";',
    'Debug::NoLocking "true";',
  ];
}

/** The host's proxies for apt: without them the mirror may be out of reach. */
async function proxySettings(): Promise<string[]> {
  const dump = await exec('apt-config', ['dump']);
  return dump.stdout.split('\n').filter((line) => /^Acquire::https?::(proxy|proxy-auto-detect)\b/i.test(line));
}

async function findKeyring(): Promise<string> {
  for (const path of KEYRINGS) {
    if (await access(path).then(() => true, () => false)) return path;
  }
  throw new Error('the package debian-archive-keyring is not installed, so that nothing can be verified');
}

/** Fetches the index (signature-checked), then the packages with their closure and `alone` without one (hash-checked). */
export async function downloadClosure(apt: PrivateApt, packages: readonly string[], alone: readonly string[] = []): Promise<void> {
  await execOk('apt-get', ['-qq', '-o', 'APT::Update::Error-Mode=any', 'update'], { env: apt.env });
  const uris = await execOk('apt-get', ['-qq', '-y', '--print-uris', 'install', ...packages], { env: apt.env });
  const names = [...uris.matchAll(/^'[^']+' ([^_\s]+)_/gm)].map((match) => match[1]!).filter((name) => !NOT_NEEDED.test(name));
  if (names.length === 0) throw new Error(`apt resolved ${packages.join(', ')} to nothing`);
  await execOk('apt-get', ['-qq', 'download', ...names, ...alone], { env: apt.env, cwd: apt.archives });
}
