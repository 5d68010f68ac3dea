import assert from 'node:assert/strict';
import { it } from 'node:test';
import { OpenEngine } from '../../src/cli/engine.ts';
import { loadConfig } from '../../src/config/load.ts';
import { CLI_DIALECT, findOperations, findTransactions, type RawParameters } from '../../src/script/index.ts';
import { Scene, query } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';

interface Page {
  readonly opids: readonly string[];
  readonly next: string | null;
}

async function operationPage({ context }: OpenEngine, raw: RawParameters): Promise<Page> {
  const { operations, next } = await findOperations(context, raw, CLI_DIALECT);
  return { opids: operations.map(({ opid }) => opid), next };
}

async function transactionPage({ context }: OpenEngine, raw: RawParameters): Promise<Page> {
  const { transactions, next } = await findTransactions(context, raw, CLI_DIALECT);
  return { opids: transactions.map(({ opid }) => opid), next };
}

/** Of operations newest first: the oldest one of each transaction, which names it. */
function firstOfEach(operations: readonly { readonly opid: string; readonly ordinal: string }[]): string[] {
  return operations.filter(({ ordinal }, i) => operations[i + 1]?.ordinal !== ordinal).map(({ opid }) => opid);
}

for (const flavour of ['mysql', 'mariadb'] as const) it(`pages over one and more sessions of a ${flavour} source have all that they did, once, newest first`, async () => {
  await using scene = await Scene.open(source(flavour), backup(flavour));
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, session INT) ENGINE=InnoDB');
  await using daemon = await scene.startDaemon();
  const sessions = [await scene.session(), await scene.session(), await scene.session()];
  const threads: string[] = [];
  for (const session of sessions) threads.push(String((await query(session, 'SELECT CONNECTION_ID() AS id'))[0]!.id));
  for (let i = 0; i < 30; i++) {
    const which = i % 7 === 0 ? 2 : i % 2;
    const statements = Array.from({ length: 1 + (i % 3) }, () => `INSERT INTO t (session) VALUES (${which})`);
    await sessions[which]!.query(`START TRANSACTION; ${statements.join('; ')}; COMMIT`);
  }
  await scene.caughtUp();
  const logged = (await scene.operations()).map(({ opid, ordinal, thread_id: thread }) => ({ opid: String(opid), ordinal: String(ordinal), thread: String(thread) })).toReversed();
  await using engine = await OpenEngine.open(loadConfig({ env: scene.env, needs: ['backup'] }), new AbortController().signal);
  for (const chosen of [[0], [2], [0, 2], [0, 1, 2]]) {
    const ids = chosen.map((which) => threads[which]!);
    const expected = logged.filter(({ thread }) => ids.includes(thread));
    assert.ok(expected.length > 5);
    for (const [list, all] of [[operationPage, expected.map(({ opid }) => opid)], [transactionPage, firstOfEach(expected)]] as const) {
      for (const limit of ['1', '2', '3', '100']) {
        const found: string[] = [];
        for (let next: string | null = null, pages = 0; pages === 0 || next !== null; pages++) {
          const page: Page = await list(engine, { source: scene.alias, thread_id: ids, limit, ...(next !== null && { before: next }) });
          assert.ok(page.opids.length <= Number(limit) && pages < 100);
          found.push(...page.opids);
          next = page.next;
        }
        assert.deepEqual(found, all, `sessions ${chosen.join(', ')}, ${limit} to a page`);
      }
    }
  }
  for (const session of sessions) await session.end();
  await daemon.stop();
});
