import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sweepStaleServers } from '../../deploy/provision/index.ts';

interface Started {
  readonly pid: number;
  readonly dataDir: string;
}

/** A process of its own that starts a server and reports it. */
async function startElsewhere(mode: 'return' | 'throw' | 'wait' | 'keep'): Promise<{ child: ChildProcess; server: Started }> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'start-and-wait.ts'), mode], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, server: JSON.parse(line) as Started };
}

/** A process that has ended but whose new parent has not yet collected it does not count as running. */
function running(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}

/** The signal was sent before the parent ended; the kernel may still be tearing the server down. */
async function ended(pid: number): Promise<void> {
  while (running(pid)) await delay(10);
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

describe('a server whose parent ends', () => {
  for (const mode of ['return', 'throw'] as const) {
    it(`by ${mode} ends with it and leaves no data`, async () => {
      const { child, server } = await startElsewhere(mode);
      await exited(child);
      await ended(server.pid);
      assert.equal(existsSync(dirname(server.dataDir)), false);
    });
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`by ${signal} ends with it, and the parent still dies of the signal`, async () => {
      const { child, server } = await startElsewhere('wait');
      child.kill(signal);
      await exited(child);
      assert.equal(child.signalCode, signal);
      await ended(server.pid);
      assert.equal(existsSync(dirname(server.dataDir)), false);
    });
  }

  it('by SIGKILL outlives it until the next sweep, which spares servers whose parent lives', async () => {
    const orphan = await startElsewhere('wait');
    const neighbour = await startElsewhere('wait');
    orphan.child.kill('SIGKILL');
    await exited(orphan.child);
    assert.equal(running(orphan.server.pid), true);
    sweepStaleServers();
    await ended(orphan.server.pid);
    assert.equal(existsSync(dirname(orphan.server.dataDir)), false);
    assert.equal(running(neighbour.server.pid), true);
    neighbour.child.kill('SIGTERM');
    await exited(neighbour.child);
  });

  it('stays when it was asked to, also over a sweep', async () => {
    const { child, server } = await startElsewhere('keep');
    await exited(child);
    sweepStaleServers();
    assert.equal(running(server.pid), true);
    process.kill(server.pid, 'SIGTERM');
    await ended(server.pid);
    rmSync(dirname(server.dataDir), { recursive: true });
  });
});
