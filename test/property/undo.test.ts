import { describe, it } from 'node:test';
import { backup, sources } from '../support/servers.ts';
import { checkCases } from './support/check.ts';
import { World } from './support/world.ts';

const CASES = Number(process.env.PROPERTY_CASES ?? 500);
// The short form walks the same cases every time, so that a red run means a change; a soak looks for new ones.
const SEED = Number(process.env.PROPERTY_SEED ?? (process.env.PROPERTY_CASES === undefined ? 20261120 : Math.floor(Math.random() * 1_000_000_000)));

for (const source of sources()) describe(`random tables and transactions on ${source.kind}`, () => {
  it(`come back byte by byte, ${CASES} schemas, seed ${SEED}`, async (context) => {
    await using world = await World.open(source, backup(source.flavour === 'mysql' ? 'mariadb' : 'mysql'));
    await checkCases(world, SEED, CASES);
    const { counts } = world;
    context.diagnostic(`${counts.cases} schemas (${counts.reduced} tables without what the server refused), ${counts.statements} statements (${counts.refusedStatements} refused)`);
    context.diagnostic(`undone by ${counts.backupStatements} backup rows and ${counts.scriptStatements} statements of scripts`);
  });
});
