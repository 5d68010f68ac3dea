import assert from 'node:assert/strict';
import type { Daemon } from './daemon.ts';
import type { Scene } from './scene.ts';
import { until } from './until.ts';

/** A daemon that knows all there is, and is gone. */
export async function meet(scene: Scene): Promise<void> {
  await using daemon = await scene.startDaemon();
  await daemon.logged('definitions_read');
  await scene.caughtUp();
  await until('all definitions are proven', async () => (await scene.ledgerRows('SELECT 1 FROM definitions WHERE proven = 0')).length === 0);
  await daemon.stop();
}

/** Every DDL of the time away was run again, as the source has it too, and no rows are in a gap. */
export async function nothingMissing(scene: Scene, daemon: Daemon): Promise<void> {
  assert.deepEqual(daemon.lines.filter(({ event }) => event === 'ddl_not_replayed' || event === 'definition_differs'), []);
  assert.deepEqual((await scene.gaps()).map(({ reason, table_name, detail }) => `${String(reason)} ${String(table_name)}: ${String(detail)}`), []);
}
