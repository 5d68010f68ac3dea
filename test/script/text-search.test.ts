import assert from 'node:assert/strict';
import { it } from 'node:test';
import { freePort } from '../../deploy/provision/index.ts';
import type { FoundPage, TransactionPage } from '../../src/script/index.ts';
import { Scene } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

for (const [index, source] of sources().entries()) it(`a search that no index helps on ${source.kind} stops after so many operations, says where, and goes on from there`, async () => {
  const port = await freePort();
  await using scene = await Scene.open(source, backups()[index % backups().length]!, { env: { BINLOG_UNDO_ADMIN_PORT: String(port) } });
  await using _daemon = await scene.startDaemon();
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE o (id INT PRIMARY KEY) ENGINE=InnoDB');
  await scene.db.query("INSERT INTO t VALUES (1, 1) /* needle */; INSERT INTO t VALUES (2, 2) /* needle */");
  const middle = await scene.position();
  await scene.db.query('START TRANSACTION; INSERT INTO o VALUES (1); INSERT INTO o VALUES (2); INSERT INTO o VALUES (3); COMMIT; UPDATE t SET n = 7 WHERE id = 2; UPDATE t SET n = 8 WHERE id = 1');
  await scene.caughtUp({ projected: false });
  const list = (...args: string[]): Promise<FoundPage> => scene.json<FoundPage>('find', '--source', scene.alias, '--text', 'NEEDLE', ...args);
  const written = await scene.operations();
  // Newest first: two updates, three inserts, then what is looked for.
  const nth = (back: number): string => String(written.at(-back)!.opid);

  const first = await list('--look', '3');
  assert.deepEqual([first.operations, first.looked?.operations, first.looked?.opid, first.next], [[], 3, nth(3), nth(3)]);
  assert.equal(first.looked?.time, (await scene.json<FoundPage>('find', '--opid', nth(3))).operations[0]!.time);
  const second = await list('--look', '3', '--before', first.next!);
  assert.deepEqual([second.operations.map(({ opid }) => opid), second.looked?.opid], [[nth(6)], nth(6)]);
  const third = await list('--look', '3', '--before', second.next!);
  assert.deepEqual([third.operations.map(({ opid }) => opid), third.next, third.looked], [[nth(7)], null, null], 'the rest of the log is less than that');

  assert.deepEqual([(await list('--look', '6', '--limit', '1')).looked?.opid, (await list('--look', '7', '--limit', '1')).looked], [nth(6), null], 'a full page says nothing');
  assert.deepEqual((await list()).operations.map(({ opid }) => opid), [nth(6), nth(7)], 'the default is more than this log has');
  // What filters leave out is read all the same; an index leads to tables, and a range to what lies in it.
  assert.deepEqual((await list('--look', '3', '--type', 'INSERT', '--exclude-table', `${scene.schema}.o`)).looked?.opid, nth(3));
  assert.deepEqual((await list('--look', '3', '--table', `${scene.schema}.t`)).operations.map(({ opid }) => opid), [nth(6)]);
  const stop = `${middle.file}:${middle.offset}`;
  assert.deepEqual((await list('--look', '1', '--stop-position', stop)).operations.map(({ opid }) => opid), [nth(6)]);
  assert.deepEqual((await list('--look', '1', '--start-position', stop)).looked?.opid, nth(1), 'a bound that is given holds with a begin too');
  assert.deepEqual([(await list('--start-position', stop)).operations, (await list('--start-position', stop)).looked], [[], null]);

  // Transactions are looked at whole: the third operation back is the last of three.
  const transactions = await scene.json<TransactionPage>('find', '--by', 'transaction', '--source', scene.alias, '--text', 'needle', '--look', '3');
  assert.deepEqual([transactions.transactions, transactions.looked?.opid, transactions.next], [[], nth(3), nth(3)]);
  const older = await scene.json<TransactionPage>('find', '--by', 'transaction', '--source', scene.alias, '--text', 'needle', '--look', '3', '--before', transactions.next!);
  assert.deepEqual(older.transactions.map(({ opid }) => opid), [nth(6), nth(7)]);

  // What others write on the source meanwhile moves the reach.
  const page = <T extends FoundPage | TransactionPage>(found: T): T => ({ ...found, reach: '' });
  const http = async (query: string): Promise<FoundPage | TransactionPage> => page(await (await fetch(`http://127.0.0.1:${port}/v1/${query}&look=3`)).json() as FoundPage | TransactionPage);
  assert.deepEqual(await http('operations?text=needle'), page(first));
  assert.deepEqual(await http('transactions?text=needle'), page(transactions));
  // Neither does an index lead to a number of rows or a user.
  const large = await scene.json<FoundPage>('find', '--source', scene.alias, '--min-rows', '2', '--look', '3');
  assert.deepEqual([large.operations, large.looked?.operations, large.looked?.opid, large.next], [[], 3, nth(3), nth(3)]);
  const nobody = await scene.json<FoundPage>('find', '--source', scene.alias, '--user', 'nobody-like-this', '--look', '6');
  assert.deepEqual([nobody.operations, nobody.looked?.opid, nobody.looked?.operations], [[], nth(6), 6]);
  assert.equal((await scene.json<FoundPage>('find', '--source', scene.alias, '--user', 'nobody-like-this')).looked, null, 'the default is more than this log has');
  const ofThree = await scene.json<TransactionPage>('find', '--by', 'transaction', '--source', scene.alias, '--min-rows', '3', '--look', '2');
  assert.deepEqual([ofThree.transactions, ofThree.looked?.opid], [[], nth(2)]);
  const further = await scene.json<TransactionPage>('find', '--by', 'transaction', '--source', scene.alias, '--min-rows', '3', '--look', '2', '--before', ofThree.next!);
  assert.deepEqual(further.transactions.map(({ rows }) => rows), [3], 'looked at whole');
  assert.deepEqual(await http('operations?min_rows=2'), page(large));

  const told = await scene.cli('find', '--source', scene.alias, '--text', 'needle', '--look', '3');
  assert.match(told.stdout, new RegExp(`^Nothing matches so far: looked at 3 operations, back to 20\\S+Z; the log goes on before that\\.\nGo on: --before ${nth(3)}\\.`));
  const both = await scene.cli('find', '--source', scene.alias, '--text', 'needle', '--look', '6');
  assert.match(both.stdout, /needle[\s\S]*\nLooked at 6 operations, back to /);
  const alone = await scene.cli('find', '--look', '3');
  assert.deepEqual([alone.status, alone.stderr.split('.')[0]], [2, 'binlog-undo: USAGE: --look is given without anything to look for']);
});
