import type { Scene } from './scene.ts';
import { until } from './until.ts';

/**
 * Waits until the definitions of all tables and objects of the scene's schema are known: they are read when the daemon first meets it, and count once the
 * stream has passed that. Needs the table `warm`, which gets rows.
 */
export async function objectsKnown(scene: Scene): Promise<void> {
  await until('every object is known', async () => {
    await scene.db.query(`INSERT INTO ${scene.schema}.warm VALUES ()`);
    await scene.caughtUp();
    const [found] = await scene.ledgerRows(`SELECT (SELECT SUM(kind = 'SCHEMA') FROM objects WHERE until_number IS NULL AND schema_name = ?) AS whole,
      (SELECT SUM(table_name = '') FROM definitions WHERE until_number IS NULL AND schema_name = ?) AS tables,
      (SELECT SUM(proven = 0) FROM objects WHERE until_number IS NULL AND schema_name = ?) + (SELECT SUM(proven = 0) FROM definitions WHERE until_number IS NULL AND schema_name = ?) AS waiting`,
      [scene.schema, scene.schema, scene.schema, scene.schema]);
    return Number(found?.whole) === 1 && Number(found?.tables) === 1 && Number(found?.waiting) === 0;
  });
}
