import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { RenderOptions } from '../../src/rollback/index.ts';
import { sources } from '../support/servers.ts';
import { UndoBench } from './support/undo-bench.ts';
import { wrongLiterals } from './support/wrong-literals.ts';

for (const server of sources()) {
  it(`the comparison of these tests notices wrong literals on ${server.kind}`, async () => {
    const options: RenderOptions = { flavour: server.flavour, form: 'script', update: 'changed', guard: 'none' };
    await using bench = await UndoBench.open(server, 'mutation');
    for (const { what, type, value, wrong } of await wrongLiterals(server)) {
      await bench.work.query('DROP TABLE IF EXISTS t');
      await bench.work.query(`CREATE TABLE t (id INT PRIMARY KEY, c ${type})`);
      await bench.work.query(`INSERT INTO t VALUES (1, ${value})`);
      const before = await bench.bytes('t');
      const [statement] = await bench.render(await bench.logged(() => bench.work.query('DELETE FROM t').then(() => undefined)), options);
      assert.ok(statement);
      assert.notEqual(wrong(statement), statement, `${what}: the mutation does not apply to ${statement}`);
      await bench.work.query(wrong(statement));
      assert.notDeepEqual(await bench.bytes('t'), before, `${what} went unnoticed`);
      await bench.work.query('DELETE FROM t');
      await bench.work.query(statement);
      assert.deepEqual(await bench.bytes('t'), before, what);
    }
  });
}
