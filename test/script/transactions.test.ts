import assert from 'node:assert/strict';
import { it } from 'node:test';
import { freePort } from '../../deploy/provision/index.ts';
import type { TransactionPage } from '../../src/script/index.ts';
import { Scene } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';

for (const [from, to] of [['mysql', 'mariadb'], ['mariadb', 'mysql']] as const) it(`lists transactions of ${from} newest first, by pages, with the command that undoes each`, async () => {
  const port = await freePort();
  await using scene = await Scene.open(source(from), backup(to), { env: { BINLOG_UNDO_ADMIN_PORT: String(port) } });
  await using _daemon = await scene.startDaemon();
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE o (id INT PRIMARY KEY) ENGINE=InnoDB');
  const before = await scene.fingerprint();
  // Many statements of one row each are one transaction of many rows.
  await scene.db.query('START TRANSACTION; INSERT INTO t VALUES (1, 1); INSERT INTO t VALUES (2, 2); INSERT INTO o VALUES (1); COMMIT');
  const one = await scene.fingerprint();
  await scene.db.query('INSERT INTO t VALUES (3, 3); UPDATE t SET n = n + 1');
  await scene.caughtUp({ projected: false });
  const list = async (...args: string[]): Promise<TransactionPage> =>
    JSON.parse((await scene.cli('find', '--by', 'transaction', '--source', scene.alias, '--json', ...args)).stdout) as TransactionPage;
  const counts = ({ transactions }: TransactionPage): unknown[] => transactions.map(({ operations, otherOperations, rows }) => [operations, otherOperations, rows]);

  const rows = await list('--type', 'INSERT', '--type', 'UPDATE');
  assert.deepEqual(counts(rows), [[1, 0, 3], [1, 0, 1], [3, 0, 3]]);
  const [update, insert, three] = rows.transactions;
  assert.equal(update!.sql, 'UPDATE t SET n = n + 1');
  assert.deepEqual(three!.tables.map(({ table, inserted }) => [table, inserted]), [[`${scene.schema}.o`, 1], [`${scene.schema}.t`, 2]]);
  assert.deepEqual(counts(await list('--table', `${scene.schema}.o`, '--type', 'INSERT')), [[1, 2, 1]]);
  assert.deepEqual(counts(await list('--min-rows', '2', '--type', 'INSERT')), [[3, 0, 3]], 'the rows of the transaction count');
  const first = await list('--type', 'INSERT', '--limit', '1');
  assert.equal(first.transactions[0]!.opid, insert!.opid);
  assert.deepEqual((await list('--type', 'INSERT', '--limit', '1', '--before', first.next!)).transactions.map(({ opid }) => opid), [three!.opid]);
  assert.equal((await list('--type', 'INSERT', '--before', three!.opid)).next, null);
  const answer = await (await fetch(`http://127.0.0.1:${port}/v1/transactions?type=INSERT&limit=1&before=${first.next!}`)).json() as TransactionPage;
  assert.deepEqual(answer.transactions, [three]);

  const text = (await scene.cli('find', '--by', 'transaction', '--source', scene.alias, '--limit', '1')).stdout;
  assert.match(text, /^20\S+Z {2}1 operation, 3 rows\n {2}thread .*\n {2}\S+\.t: 0 inserted, 3 updated, 0 deleted\n {2}UPDATE t SET n = n \+ 1\n {2}binlog-undo script --source /);
  assert.match((await scene.cli('find', '--by', 'row')).stderr, /^binlog-undo: USAGE: --by is "row"\. Give operation or transaction/);

  // The printed commands, newest first, bring everything back. Behind the first, what was undone is a later change of the same rows too.
  const undo = async ({ script }: { readonly script: string }, ...mode: string[]): Promise<void> => {
    const made = await scene.cli(...script.split(' ').slice(1).map((word) => word.replaceAll("'", '')), ...mode);
    assert.equal(made.status, 0, made.stderr);
    const applied = await scene.apply(made.stdout);
    assert.match(applied.stdout, /committed/, applied.stderr);
    await scene.caughtUp({ projected: false });
  };
  await undo(update!);
  await undo(insert!, '--mode', 'nocascade-force');
  assert.deepEqual(await scene.fingerprint(), one);
  await undo(three!, '--mode', 'nocascade-force');
  assert.deepEqual(await scene.fingerprint(), before);
});
