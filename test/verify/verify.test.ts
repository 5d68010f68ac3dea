import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Daemon } from '../support/daemon.ts';
import { Scene } from '../support/scene.ts';
import { backup, source, type SharedServer } from '../support/servers.ts';
import { XA_BEGINS, XA_OVER } from '../support/xa.ts';

interface Report {
  readonly compared: Readonly<Record<'transactions' | 'operations' | 'rows' | 'missing' | 'extra' | 'different', number>>;
  readonly differences: readonly { readonly kind: string; readonly what: string; readonly opid: string | null }[];
}

const PAIRS: readonly (readonly [SharedServer, SharedServer])[] = [[source('mysql'), backup('mariadb')], [source('mariadb'), backup('mysql')]];

for (const [server, store] of PAIRS) describe(`verify ${server.kind} on ${store.kind}`, () => {
  let scene: Scene;
  let daemon: Daemon;

  before(async () => {
    scene = await Scene.open(server, store);
    daemon = await scene.startDaemon();
    await scene.db.query('CREATE TABLE a (id INT PRIMARY KEY, v LONGTEXT); CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(40))');
    await scene.db.query("INSERT INTO a VALUES (1, 'one'), (2, REPEAT('x', 3000000)); UPDATE a SET v = REPEAT('y', 100000); DELETE FROM a WHERE id = 2");
    await scene.db.query("BEGIN; INSERT INTO a VALUES (3, 'three'); SAVEPOINT s; INSERT INTO b VALUES (1, 'gone'); ROLLBACK TO s; INSERT INTO b VALUES (2, 'kept'); COMMIT");
    await scene.db.query(`${XA_BEGINS}; XA START 'v${scene.schema}'; INSERT INTO b VALUES (3, 'xa'); XA END 'v${scene.schema}'; XA PREPARE 'v${scene.schema}'`);
    await scene.db.query(`XA COMMIT 'v${scene.schema}'; ${XA_OVER}`);
    await scene.db.query('ALTER TABLE b ADD COLUMN n INT; UPDATE b SET n = 1');
    await scene.caughtUp();
  });
  after(async () => {
    await daemon.stop();
    await scene[Symbol.asyncDispose]();
  });

  async function verify(status: number, ...args: string[]): Promise<Report> {
    const done = await scene.cli('verify', '--json', ...args);
    assert.equal(done.status, status, done.stderr + done.stdout);
    return JSON.parse(done.stdout) as Report;
  }

  it('finds a log equal that is equal, while the daemon runs', async () => {
    const { compared, differences } = await verify(0);
    assert.deepEqual(differences, []);
    const operations = await scene.operations();
    assert.deepEqual([compared.transactions, compared.operations], [new Set(operations.map(({ ordinal }) => ordinal)).size, operations.length]);
    assert.ok(compared.rows >= 9);
    assert.match((await scene.cli('verify')).stdout, /The log is equal to the binlog/);
  });

  it('takes a range, and refuses one that the log does not have', async () => {
    const operations = await scene.operations();
    const { start_file: file, start_offset: offset } = operations.at(-1)!;
    const { compared } = await verify(0, '--start-position', `${String(file)}:${String(offset)}`);
    assert.equal(compared.transactions, 1);
    const refused = await scene.cli('verify', '--start-position', `${String(file)}:4`, '--stop-position', `${String(file)}:999999999`);
    assert.equal(refused.status, 3);
    assert.match(refused.stderr, /NOT_COVERED/);
  });

  it('finds what is missing, extra and different', async () => {
    // Other tests go on writing to the source, and nobody reads that from here on.
    const end = await scene.reached();
    await daemon.stop();
    const operations = await scene.operations();
    const ordinal = (index: number): number => Number(operations.at(index)!.ordinal);
    const rows = operations.filter(({ ddl }) => Number(ddl) === 0);
    const last = ordinal(-1);
    await scene.ledgerRows('UPDATE transactions SET start_offset = start_offset + 1 WHERE ordinal = ?', [last]);
    await scene.ledgerRows('UPDATE operations SET inserted = inserted + 1 WHERE opid = ?', [String(rows[0]!.opid)]);
    await scene.ledgerRows('DELETE FROM operations WHERE opid = ?', [String(rows[1]!.opid)]);
    const found = await verify(1, '--stop-position', end);
    const told = found.differences.map(({ kind, opid }) => `${kind} ${opid ?? ''}`);
    assert.ok(told.includes(`different ${String(rows[0]!.opid)}`), told.join('\n'));
    assert.ok(told.includes(`missing ${String(rows[1]!.opid)}`), told.join('\n'));
    assert.ok(told.includes('missing ') && told.includes('extra '), told.join('\n'));
    await scene.ledgerRows('UPDATE transactions SET start_offset = start_offset - 1 WHERE ordinal = ?', [last]);

    // Of an operation that is still there: how many share a block is a matter of time.
    const [block] = await scene.ledgerRows('SELECT first_block AS block FROM transactions WHERE ordinal = ?', [Number(rows.at(-1)!.ordinal)]);
    await scene.ledgerRows('DELETE FROM blocks WHERE block = ?', [Number(block!.block)]);
    const broken = await verify(1, '--stop-position', end);
    assert.ok(broken.differences.some(({ what }) => what.includes(`block ${String(block!.block)} cannot be read`)));
    assert.ok(broken.differences.some(({ what }) => what === 'its row images are not in the log'));
    daemon = await scene.startDaemon();
  });
});
