import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRowsEvent } from '../../src/binlog/rows-event.ts';
import { parseTableMap } from '../../src/binlog/table-map.ts';
import { buildShape, captureLists, hashed, KeyReader, shapeMark } from '../../src/rollback/index.ts';
import { readUnlocked } from '../../src/schema/read-unlocked.ts';
import { unpackKeySet } from '../../src/store/key-set.ts';
import { Ledger } from '../../src/store/ledger.ts';
import { BlockReader } from '../../src/store/log-reader.ts';
import { Scene } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';
import { XA_BEGINS } from '../support/xa.ts';

/** Hashes by table, as the rows of a block tell them under today's definitions. */
async function keysOfRows(scene: Scene, reader: BlockReader, block: number): Promise<Map<string, { readonly mark: number; readonly hashes: Set<number> }>> {
  const found = new Map<string, { readonly mark: number; readonly hashes: Set<number> }>();
  const contents = await reader.read(block);
  for (const record of contents.rows) {
    const map = parseTableMap(record.tableMap, 0, record.tableMap.length);
    const definition = (await readUnlocked(scene.db, map.schema, map.table))!;
    const shape = buildShape(map, definition);
    const keys = found.get(map.table) ?? { mark: shapeMark(definition), hashes: new Set() };
    found.set(map.table, keys);
    const add = (hashes: Float64Array | null): void => {
      for (const hash of hashes ?? []) if (hash >= 0) keys.hashes.add(hash);
    };
    const known = new KeyReader(shape, captureLists(shape).map(hashed)).read(parseRowsEvent(record.type, contents.bytes, record.start, record.end), (_row, before, after) => {
      add(before);
      add(after);
    });
    assert.ok(known);
  }
  return found;
}

for (const [index, source] of sources().entries()) describe(`key sets of ${source.kind}`, () => {
  it('hold every key of every row, from the first block after the definition was read on, also after a restart', async () => {
    await using scene = await Scene.open(source, backups()[index % backups().length]!);
    await using first = await scene.startDaemon();
    await scene.db.query(`CREATE TABLE p (id INT PRIMARY KEY, code VARCHAR(20), mail VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, UNIQUE (code), UNIQUE (mail, id)) ENGINE=InnoDB;
      CREATE TABLE c (a INT, b BIGINT UNSIGNED, p_id INT, PRIMARY KEY (b, a), FOREIGN KEY (p_id) REFERENCES p (id)) ENGINE=InnoDB;
      CREATE TABLE k (n INT, f DOUBLE, t TEXT) ENGINE=InnoDB;
      INSERT INTO p VALUES (1, 'one', 'a@b'); INSERT INTO c VALUES (1, 1, 1); INSERT INTO k VALUES (1, 1, 'x')`);
    await scene.caughtUp();
    const work = async (): Promise<void> => {
      await scene.db.query(`START TRANSACTION; INSERT INTO p VALUES (2, 'two', 'Ä@b'), (3, NULL, NULL), (4, 'four ', 'A@B'); INSERT INTO c VALUES (2, 18446744073709551615, 2), (3, 3, NULL);
        UPDATE p SET id = 5, code = 'five' WHERE id = 4; INSERT INTO k VALUES (NULL, -0.0, NULL), (2, 0, ''); COMMIT; UPDATE k SET f = f + 1; DELETE FROM k WHERE n = 2;
        UPDATE c SET p_id = 5, a = a + 10 WHERE p_id = 2; DELETE FROM c; DELETE FROM p WHERE id > 1`);
      const branch = await scene.session();
      await branch.query(`${XA_BEGINS}; XA START '${scene.schema}'; UPDATE p SET mail = CONCAT(mail, 'x'); XA END '${scene.schema}'; XA PREPARE '${scene.schema}'`);
      await scene.caughtUp();
      await scene.db.query('INSERT INTO k VALUES (7, 7, NULL)');
      await branch.query(`XA COMMIT '${scene.schema}'`);
      await branch.end();
      await scene.db.query('DELETE FROM k WHERE n = 7');
      await scene.caughtUp();
    };
    await work();
    await first.stop();
    await using _second = await scene.startDaemon();
    await work();
    assert.equal(await scene.unpairedKeySets(), 0);

    const [origin] = await scene.ledgerRows('SELECT id FROM sources');
    const reader = new BlockReader(scene.log, new Ledger(scene.ledger), Number(origin!.id));
    const sets = await scene.ledgerRows('SELECT block, table_name, from_ordinal, to_ordinal, data FROM block_keys ORDER BY block, part');
    let unknown = 0;
    for (const block of new Set(sets.map((set) => Number(set.block)))) {
      const expected = await keysOfRows(scene, reader, block);
      const stored = sets.filter((set) => Number(set.block) === block);
      assert.deepEqual(new Set(stored.map((set) => set.table_name)), new Set(expected.keys()), 'each table has a set');
      for (const [table, keys] of expected) {
        const own = stored.filter((set) => set.table_name === table).map((set) => unpackKeySet(set.data as Buffer));
        const known = own.filter(({ lists }) => lists.length > 0);
        unknown += own.length - known.length;
        const hashes = new Set(known.flatMap((set) => [...set.hashes]));
        // Rows from before the reading may stand in the same block.
        if (own.length > known.length) assert.ok([...hashes].every((hash) => keys.hashes.has(hash)));
        else assert.deepEqual({ marks: [...new Set(known.map(({ mark }) => mark))], hashes }, { marks: [keys.mark], hashes: keys.hashes }, `block ${block} of ${table}`);
        if (table === 'c') for (const { lists } of known) assert.deepEqual(lists.map(({ columns }) => columns), [[0, 1], [2]], 'the primary key and the foreign key');
      }
    }
    assert.ok(unknown <= 3, `${unknown} sets of unknown keys: only the first rows of a table may come before its definition`);
    const outside = await scene.ledgerRows(`SELECT t.ordinal FROM transactions t JOIN block_keys k ON k.source_id = t.source_id AND k.block BETWEEN t.first_block AND t.last_block
      WHERE t.rows_file IS NULL AND t.ordinal NOT BETWEEN k.from_ordinal AND k.to_ordinal`);
    assert.deepEqual(outside, [], 'a block names the transactions that it can hold');
  });
});
