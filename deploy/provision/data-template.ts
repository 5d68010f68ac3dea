import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCOUNT_SQL } from './accounts.ts';
import type { Prefix } from './debian-prefix.ts';
import type { FlavourRecipe } from './flavour.ts';
import { buildAside } from './tree.ts';
import { userArgs } from './user-args.ts';

/** To be raised when the way a data directory is made changes beyond its arguments and accounts. */
const FORMAT = 1;

/**
 * Makes `dataDir` a fresh data directory. Initialising costs seconds, so the result is kept beside the prefix and
 * copied: as shared extents where the file system can, as bytes elsewhere.
 */
export async function freshDataDir(prefix: Prefix, recipe: FlavourRecipe, dataDir: string, initArgs: readonly string[]): Promise<void> {
  const key = createHash('sha256').update(JSON.stringify([FORMAT, recipe.baseArgs(prefix), ACCOUNT_SQL, initArgs])).digest('hex').slice(0, 12);
  const template = join(prefix.home, `data-${key}`);
  if (!(await access(template).then(() => true, () => false))) {
    await buildAside(template, async (aside) => {
      // Not the common one: see RunningServer.
      const temporary = await mkdtemp(join(tmpdir(), 'binlog-undo-init-'));
      try {
        await recipe.initialise(prefix, aside, [...userArgs(), `--tmpdir=${temporary}`, ...initArgs]);
      } finally {
        await rm(temporary, { recursive: true, force: true });
      }
      for (const file of recipe.identityFiles) await rm(join(aside, file), { force: true });
    });
  }
  await mkdir(dataDir, { recursive: true });
  await cp(template, dataDir, { recursive: true, mode: constants.COPYFILE_FICLONE });
}
