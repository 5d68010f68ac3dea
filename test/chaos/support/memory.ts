import { readFileSync } from 'node:fs';

export const MIB = 1024 * 1024;

/** What a process holds in memory now, in bytes. */
export function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}
