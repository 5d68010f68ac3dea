import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerKind } from './kinds.ts';

const PREFIX = 'binlog-undo-server-';
const OWNER_FILE = 'owner.json';

/** A process that cannot be mistaken for a later one with the same number. */
interface ProcessMark {
  readonly pid: number;
  /** Clock ticks from boot to its start, /proc/PID/stat field 22. */
  readonly started: string;
}

interface Owner {
  readonly owner: ProcessMark;
  readonly server?: ProcessMark;
  /** Left running on purpose; only its user ends it. */
  readonly kept: boolean;
}

export function makeRunFolder(kind: ServerKind): Promise<string> {
  return mkdtemp(join(tmpdir(), `${PREFIX}${kind}-`));
}

/** Writes down whose server this is, for sweepStaleServers. */
export function markOwner(folder: string, serverPid: number | undefined, kept: boolean): void {
  const server = serverPid === undefined ? undefined : mark(serverPid);
  const owner: Owner = { owner: mark(process.pid) ?? { pid: process.pid, started: '' }, ...(server === undefined ? {} : { server }), kept };
  writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner));
}

export function removeRunFolder(folder: string): void {
  // A server killed a moment ago may still be creating files.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 25 });
}

function mark(pid: number): ProcessMark | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything; count after its end.
    return { pid, started: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '' };
  } catch {
    return undefined;
  }
}

function lives(process: ProcessMark): boolean {
  return mark(process.pid)?.started === process.started;
}

/**
 * Ends servers whose parent was killed without a chance to do so, and removes their folders. A process is touched only
 * if our own note names its number and start time and its command line has that folder's data directory.
 * @returns the folders removed
 */
export function sweepStaleServers(): string[] {
  const swept: string[] = [];
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name);
    const owner = readOwner(folder);
    if (owner === undefined || owner.kept || lives(owner.owner)) continue;
    if (owner.server !== undefined && lives(owner.server) && runsOn(owner.server.pid, folder)) process.kill(owner.server.pid, 'SIGKILL');
    removeRunFolder(folder);
    swept.push(folder);
  }
  return swept;
}

function readOwner(folder: string): Owner | undefined {
  const path = join(folder, OWNER_FILE);
  if (!existsSync(path) || statSync(folder).uid !== process.getuid?.()) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch {
    return undefined; // being written at this moment
  }
}

function runsOn(pid: number, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(`--datadir=${join(folder, 'data')}`);
  } catch {
    return false;
  }
}
