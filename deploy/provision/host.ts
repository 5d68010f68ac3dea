import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

interface Platform {
  /** Debian's name of the architecture. */
  readonly architecture: string;
  /** Folder of libraries below usr/lib. */
  readonly triplet: string;
  /** The dynamic loader's file name. */
  readonly loader: string;
}

const PLATFORMS: Readonly<Record<string, Platform>> = {
  x64: { architecture: 'amd64', triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { architecture: 'arm64', triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

export function platform(): Platform {
  const found = process.platform === 'linux' ? PLATFORMS[process.arch] : undefined;
  if (found === undefined) throw new Error(`private copies are for Linux on x64 or arm64, and this is ${process.platform} on ${process.arch}`);
  return found;
}

/**
 * Where private copies are kept between runs: TEST_SERVER_CACHE, else below the user's cache folder. Not a name with
 * BINLOG_UNDO_ in front: the daemon takes those for its own settings and refuses the ones it does not know.
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const own = env['TEST_SERVER_CACHE'];
  if (own !== undefined && own !== '') return resolve(own);
  const xdg = env['XDG_CACHE_HOME'];
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'binlog-undo');
}
