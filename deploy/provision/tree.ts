import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes the folder `path` by filling another one beside it and renaming that into place, so that two processes may
 * do the same at the same time and neither ever sees half of it: the later one throws its copy away.
 */
export async function buildAside(path: string, fill: (aside: string) => Promise<void>): Promise<void> {
  const aside = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  await mkdir(dirname(path), { recursive: true });
  await mkdir(aside);
  try {
    await fill(aside);
    await rename(aside, path).catch((error: unknown) => {
      if (!isCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}
