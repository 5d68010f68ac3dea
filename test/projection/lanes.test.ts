import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type Flavour, type RunningServer } from '../../deploy/provision/index.ts';
import { quoteName, quoteTable } from '../../src/core/identifiers.ts';
import type { Position } from '../../src/core/position.ts';
import { INFORMATION_TABLE } from '../../src/core/undo-tables.ts';
import { GROUP_BYTES } from '../../src/projection/projector.ts';
import { World, ask, binlogEnd, type Row } from '../faults/support/world.ts';
import { PROCESS_LIST } from '../support/any-server.ts';
import { backup, connect } from '../support/servers.ts';
import { until } from '../support/until.ts';

const FLAVOURS: readonly Flavour[] = ['mysql', 'mariadb'];
const TRANSACTIONS = 50;
const ROWS = 8;
const ROW_BYTES = 60_000;
/** An INSERT and an UPDATE, with one and two images of each row. */
const OPERATIONS = 2;
const GROUP_OPERATIONS = OPERATIONS * GROUP_BYTES / (3 * ROWS * ROW_BYTES);
const PROJECTED: Readonly<Record<string, string>> = { BINLOG_UNDO_PROJECTION_ENABLED: 'true' };
const NOT_PROJECTED: Readonly<Record<string, string>> = { BINLOG_UNDO_PROJECTION_ENABLED: 'false' };

for (const flavour of FLAVOURS) {
  describe(`${flavour}: groups of transactions are projected on two connections in turn`, () => {
    /** Of its own: the binlog of all this is more than what other tests may find in the way of their daemons. */
    let source: RunningServer;
    before(async () => {
      source = await startServer(flavour === 'mysql' ? 'mysql-9.7' : 'mariadb-11.8', { logBin: true, bufferPoolMiB: 32 });
    });
    after(() => source.stop());

    it('the rows of a group are written while the one before commits; its own commit comes after that one', async () => {
      await using scene = await Scene.open(source);
      await scene.hold();
      await using daemon = await scene.world.start(PROJECTED);
      const first = await scene.secondGroupWritten();
      // Neither is committed, and the group after them has not begun.
      assert.equal((await scene.operations('COMMITTED')).size, 1);
      assert.ok((await scene.operations('UNCOMMITTED')).size < 2.5 * GROUP_OPERATIONS, 'the third group is there as well');
      await scene.release();
      await scene.world.caughtUp();
      await daemon.stop();
      await scene.isWhole();
      const moves = await scene.moves();
      assert.equal(moves[0]!.connection, first);
      assert.ok(moves.length > 3);
      for (const [i, { connection }] of moves.entries()) assert.equal(connection, moves[i % 2]!.connection);
      assert.notEqual(moves[0]!.connection, moves[1]!.connection);
    });

    it('when the commit of a group fails, the next one is never committed; the session after that delivers both once', async () => {
      await using scene = await Scene.open(source);
      await scene.hold();
      await using daemon = await scene.world.start(PROJECTED);
      const first = await scene.secondGroupWritten();
      await scene.query(`KILL ${first}`);
      await daemon.logged('session_ended');
      // The next session has come as far, and is held in the same place.
      const again = await scene.secondGroupWritten(first);
      assert.notEqual(again, first);
      assert.equal((await scene.operations('COMMITTED')).size, 1);
      assert.deepEqual(await scene.moves(), []);
      await scene.release();
      await scene.world.caughtUp();
      await daemon.stop();
      await scene.isWhole();
    });

    it('when the cursor is taken over between two commits, the first group is there and nothing of the second', async () => {
      await using scene = await Scene.open(source);
      await scene.hold();
      await using daemon = await scene.world.start(PROJECTED);
      await scene.secondGroupWritten();
      // It waits for the first group's row lock, so that it comes before the second group's move.
      const { epoch } = (await scene.world.checkpoint())!;
      const taker = await connect(backup(flavour));
      const taken = taker.query(`UPDATE ${scene.cursors} SET epoch = ?`, [epoch + 1]);
      await until('the taker waits', async () => (await ask(scene.world.backup, `SELECT id FROM ${PROCESS_LIST} WHERE id = ? AND info LIKE ?`, [taker.threadId, 'UPDATE%'])).length > 0);
      await scene.release();
      await taken;
      await taker.end();
      await scene.world.caughtUp();
      assert.match(JSON.stringify(await daemon.logged('session_ended')), /LEADER_LOST/);
      await daemon.stop();
      await scene.isWhole();
      const moves = await scene.moves();
      assert.deepEqual(moves.map((move) => move.epoch), [epoch, ...moves.slice(1).map(() => epoch + 1)]);
    });

    it('killed in that moment, it leaves nothing behind, and the next daemon delivers both once', async () => {
      await using scene = await Scene.open(source);
      await scene.hold();
      const killed = await scene.world.start(PROJECTED);
      await scene.secondGroupWritten();
      await killed.kill();
      await scene.release();
      await using daemon = await scene.world.start(PROJECTED);
      await scene.world.caughtUp();
      await daemon.stop();
      await scene.isWhole();
    });

    it('a lock that each transaction on a foreign backup table takes holds up no lane for good', async () => {
      await using scene = await Scene.open(source);
      const table = quoteTable(scene.database, 't');
      await scene.query(`CREATE TABLE ${quoteTable(scene.world.ledger, 'written')} (n INT NOT NULL)`);
      await scene.query(`INSERT INTO ${quoteTable(scene.world.ledger, 'written')} VALUES (0)`);
      // The search for an operation's rows meets all of them, and each row takes the same lock.
      await scene.query(`ALTER TABLE ${table} DROP INDEX idx_opid_time`);
      await scene.query(`CREATE TRIGGER ${quoteName(scene.database)}.counts BEFORE INSERT ON ${table} FOR EACH ROW UPDATE ${quoteTable(scene.world.ledger, 'written')} SET n = n + 1`);
      await using daemon = await scene.world.start(PROJECTED);
      await scene.world.caughtUp();
      assert.deepEqual(daemon.lines.filter(({ event }) => event === 'session_ended'), []);
      await daemon.stop();
      assert.equal(Number((await scene.world.ledgerRows('SELECT n FROM written'))[0]!.n), TRANSACTIONS * ROWS * OPERATIONS);
      await scene.isWhole();
    });
  });
}

interface Move {
  readonly connection: number;
  readonly ordinal: number;
  readonly epoch: number;
}

/** A log with several groups to project, of which one small transaction was projected before. The moves of the cursor can be held, and are noted. */
class Scene implements AsyncDisposable {
  readonly world: World;
  readonly database: string;
  readonly #start: Position;
  readonly #holder: Connection;

  private constructor(world: World, database: string, start: Position, holder: Connection) {
    this.world = world;
    this.database = database;
    this.#start = start;
    this.#holder = holder;
  }

  static async open(source: RunningServer): Promise<Scene> {
    const world = await World.open(source, backup(source.flavour), 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v MEDIUMTEXT)');
    const start = await binlogEnd(world.source);
    const projecting = await world.start(PROJECTED);
    await world.sql("INSERT INTO t (v) VALUES ('first')");
    await world.caughtUp();
    await projecting.stop();
    const capturing = await world.start(NOT_PROJECTED);
    for (let i = 0; i < TRANSACTIONS; i++) {
      const values = Array.from({ length: ROWS }, (_, row) => `(REPEAT('${String.fromCharCode(97 + row)}', ${ROW_BYTES}))`).join(', ');
      await world.sql(`START TRANSACTION; INSERT INTO t (v) VALUES ${values}; UPDATE t SET v = CONCAT('b', v) WHERE id > 1 ORDER BY id DESC LIMIT ${ROWS}; COMMIT`);
    }
    const end = await binlogEnd(world.source);
    await until('all of it is captured', async () => {
      const position = (await world.checkpoint())?.position;
      return position && position.file === end.file && position.offset >= end.offset;
    });
    await capturing.stop();
    const [claim] = await world.ledgerRows('SELECT backup_database AS name FROM claims');
    const scene = new Scene(world, String(claim!.name), start, await connect(backup(source.flavour)));
    await scene.query(`CREATE TABLE ${quoteTable(world.ledger, 'moves')} (id INT AUTO_INCREMENT PRIMARY KEY, connection BIGINT NOT NULL, ordinal BIGINT NOT NULL, epoch BIGINT NOT NULL)`);
    await scene.query(`CREATE TRIGGER ${quoteName(world.ledger)}.held BEFORE UPDATE ON ${scene.cursors} FOR EACH ROW
      BEGIN
        DECLARE got INT;
        IF NEW.ordinal <> OLD.ordinal THEN
          SET got = GET_LOCK('${scene.#lock}', 600);
          SET got = RELEASE_LOCK('${scene.#lock}');
          INSERT INTO moves (connection, ordinal, epoch) VALUES (CONNECTION_ID(), NEW.ordinal, NEW.epoch);
        END IF;
      END`);
    return scene;
  }

  get cursors(): string {
    return quoteTable(this.world.ledger, 'cursors');
  }

  get #lock(): string {
    return this.world.schema;
  }

  async query(sql: string): Promise<void> {
    await this.#holder.query(sql);
  }

  async hold(): Promise<void> {
    await this.query(`DO GET_LOCK('${this.#lock}', 600)`);
  }

  async release(): Promise<void> {
    await this.query(`DO RELEASE_LOCK('${this.#lock}')`);
  }

  /**
   * Waits until a group other than the one that moves the cursor is written as a whole.
   * @param but a connection that has moved it before. @returns the connection that is held while it moves the cursor.
   */
  async secondGroupWritten(but?: number): Promise<number> {
    const moving = await until('a group moves the cursor', async () => {
      const found = await ask(this.world.backup, `SELECT id FROM ${PROCESS_LIST} WHERE (info LIKE ? OR info LIKE ?) AND id NOT IN (CONNECTION_ID(), ?)`,
        // MariaDB shows the trigger's own statement.
        [`UPDATE ${this.cursors} SET ordinal%`, `%GET_LOCK%${this.#lock}%`, but ?? 0]);
      return found[0] && Number(found[0].id);
    });
    // The information rows are the last of a group.
    await until('the next group is written', async () => (await this.#described()) > 1.5 * GROUP_OPERATIONS);
    return moving;
  }

  /** Operations with their rows in the backup table. */
  async operations(level: 'COMMITTED' | 'UNCOMMITTED'): Promise<Set<string>> {
    return new Set((await this.#read(level, `SELECT DISTINCT opid_time AS opid FROM ${quoteTable(this.database, 't')}`)).map(({ opid }) => String(opid)));
  }

  async moves(): Promise<Move[]> {
    const found = await this.world.ledgerRows('SELECT connection, ordinal, epoch FROM moves ORDER BY id');
    return found.map(({ connection, ordinal, epoch }) => ({ connection: Number(connection), ordinal: Number(ordinal), epoch: Number(epoch) }));
  }

  /** Everything is there once, as in an undisturbed log, and the committed moves of the cursor go on from each other. */
  async isWhole(): Promise<void> {
    const ordinals = (await this.moves()).map(({ ordinal }) => ordinal);
    assert.deepEqual(ordinals, [...new Set(ordinals)].sort((a, b) => a - b));
    await this.query(`DROP TRIGGER ${quoteName(this.world.ledger)}.held`);
    await this.world.equalsUndisturbed(this.#start);
  }

  async #described(): Promise<number> {
    return Number((await this.#read('UNCOMMITTED', `SELECT COUNT(*) AS n FROM ${quoteTable(this.database, INFORMATION_TABLE)}`))[0]!.n);
  }

  async #read(level: 'COMMITTED' | 'UNCOMMITTED', sql: string): Promise<Row[]> {
    await this.query(`SET SESSION TRANSACTION ISOLATION LEVEL READ ${level}`);
    const [found] = await this.#holder.query(sql);
    return found as Row[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.destroy();
    await this.world[Symbol.asyncDispose]();
  }
}
