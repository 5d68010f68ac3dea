import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Connection } from 'mysql2/promise';
import { openConnection, serverErrorNumber } from '../../src/core/mysql.ts';
import { SqlBuffer } from '../../src/core/sql-buffer.ts';
import { RowBuilder } from '../../src/projection/row-builder.ts';
import { INSERT_ROWS, LOAD_ROWS } from '../../src/projection/row-format.ts';
import { RowSender } from '../../src/projection/row-sender.ts';
import { SpareBuffers } from '../../src/projection/spare-buffers.ts';
import { StatementQueue } from '../../src/projection/statement-queue.ts';
import { backups, uniqueSchema, type SharedServer } from '../support/servers.ts';

interface Row {
  readonly statement: string;
  readonly opid: string;
}

const COLUMNS = 'id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, rollback_statement longtext NOT NULL, opid_time varchar(50) CHARACTER SET ascii COLLATE ascii_bin NOT NULL';
const DATA_TOO_LONG = 1406;

/** Text with much of what files and literals give a meaning to. */
const awkward = fc.string({ unit: fc.constantFrom('\0', '\b', '\t', '\n', '\r', '\x1a', '\x7f', '\\', "'", '"', 'N', '0', 't', 'n', ',', ' ', 'a', 'é', '磨', '🜚'), maxLength: 60 });
const opid = fc.string({ unit: fc.constantFrom('1', '2', '_', '3'), minLength: 1, maxLength: 50 });

for (const server of backups()) {
  describe(`${server.kind}: rows for a backup table`, () => {
    for (const format of [LOAD_ROWS, INSERT_ROWS]) {
      const name = format === LOAD_ROWS ? 'LOAD DATA' : 'INSERT';
      it(`by ${name} are the bytes that were given, in their order`, async () => {
        await using scene = await Table.open(server, COLUMNS);
        // Rollback statements hold no backslash; the way of files does not rely on that.
        const statement = format === LOAD_ROWS ? awkward : awkward.map((text) => text.replaceAll('\\', '/'));
        await fc.assert(fc.asyncProperty(fc.array(fc.record({ statement, opid }, { noNullPrototype: true }), { minLength: 1, maxLength: 30 }), async (rows) => {
          await scene.empty();
          await scene.send(rows, format);
          assert.deepEqual(await scene.rows(), rows);
        }), { numRuns: 40 });
      });
    }

    it('that a server does not take as a file, any more, go by INSERT: neither lost nor twice', async () => {
      await using scene = await Table.open(server, COLUMNS);
      const rows = [{ statement: "a\\b\t'c'\nd\0", opid: '1' }, { statement: '', opid: '2' }];
      assert.equal(await scene.sender.format(), LOAD_ROWS);
      await scene.query('SET GLOBAL local_infile = 0');
      try {
        await scene.send(rows.map((row) => ({ ...row, statement: row.statement.replaceAll('\\', '') })), LOAD_ROWS);
      } finally {
        await scene.query('SET GLOBAL local_infile = 1');
      }
      assert.deepEqual(await scene.rows(), rows.map((row) => ({ ...row, statement: row.statement.replaceAll('\\', '') })));
      assert.equal(await scene.sender.format(), INSERT_ROWS);
    });

    for (const [what, columns] of [
      ['too long for a foreign table', COLUMNS.replace('longtext', 'varchar(5)')],
      ['outside the character set of a foreign table', COLUMNS.replace('longtext', 'longtext CHARACTER SET ascii')],
    ] as const) {
      it(`that are ${what} are refused with the server's reason, and nothing of them stays`, async () => {
        await using scene = await Table.open(server, columns);
        await scene.query('START TRANSACTION');
        await assert.rejects(scene.sendIn([{ statement: 'short', opid: '1' }, { statement: 'much longer: 磨', opid: '2' }], LOAD_ROWS), (error) => serverErrorNumber(error) !== null);
        assert.deepEqual(await scene.rows(), []);
      });
    }

    it('names what is wrong as INSERT would', async () => {
      await using scene = await Table.open(server, COLUMNS.replace('longtext', 'varchar(5)'));
      await scene.query('START TRANSACTION');
      await assert.rejects(scene.sendIn([{ statement: '123456', opid: '1' }], LOAD_ROWS), (error) => serverErrorNumber(error) === DATA_TOO_LONG);
    });

    it('of several statements share a row up to the pack, those of another operation do not', async () => {
      await using scene = await Table.open(server, COLUMNS);
      const rows = ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'c'].map((letter, i) => ({ statement: `${letter}${i};`, opid: letter }));
      for (const format of [LOAD_ROWS, INSERT_ROWS]) {
        await scene.empty();
        await scene.send(rows, format, 3);
        assert.deepEqual(await scene.rows(), [
          { statement: 'a0;\na1;\na2;', opid: 'a' }, { statement: 'a3;\na4;', opid: 'a' }, { statement: 'b5;\nb6;', opid: 'b' }, { statement: 'c7;', opid: 'c' },
        ]);
      }
    });
  });
}

/** A backup table of its own, and a sender to it. */
class Table implements AsyncDisposable {
  readonly sender: RowSender;
  readonly #connection: Connection;
  readonly #schema: string;
  readonly #statements = new StatementQueue();

  private constructor(connection: Connection, schema: string) {
    this.#connection = connection;
    this.#schema = schema;
    this.sender = new RowSender(connection, this.#statements, new SpareBuffers());
  }

  static async open(server: SharedServer, columns: string): Promise<Table> {
    const connection = await openConnection({ role: 'backup', host: server.host, port: server.port, user: server.user, password: () => server.password, tls: null }, { localFiles: true });
    const table = new Table(connection, uniqueSchema('rows'));
    await connection.query(`CREATE DATABASE ${table.#schema}`);
    await connection.query(`CREATE TABLE ${table.#name} (${columns}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
    await connection.query('SET GLOBAL local_infile = 1');
    return table;
  }

  get #name(): string {
    return `${this.#schema}.t`;
  }

  async query(sql: string): Promise<void> {
    await this.#connection.query(sql);
  }

  async empty(): Promise<void> {
    await this.query(`DELETE FROM ${this.#name}`);
  }

  async rows(): Promise<Row[]> {
    const [found] = await this.#connection.query(`SELECT CAST(rollback_statement AS BINARY) AS statement, opid_time AS opid FROM ${this.#name} ORDER BY id`);
    return (found as { statement: Buffer; opid: string }[]).map((row) => ({ statement: row.statement.toString('utf8'), opid: row.opid }));
  }

  async send(rows: readonly Row[], format: typeof LOAD_ROWS, pack = 1): Promise<void> {
    await this.query('START TRANSACTION');
    await this.sendIn(rows, format, pack);
    await this.query('COMMIT');
  }

  async sendIn(rows: readonly Row[], format: typeof LOAD_ROWS, pack = 1): Promise<void> {
    await this.sender.format();
    const builder = new RowBuilder(format, pack, this.#name);
    const text = new SqlBuffer(64);
    for (const { statement, opid: of } of rows) {
      text.clear();
      text.text(statement);
      builder.add(text, 0, text.length, Buffer.from(of));
    }
    await this.sender.send(this.#name, builder.take()!);
    await this.#statements.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.query('ROLLBACK');
    await this.query(`DROP DATABASE ${this.#schema}`);
    await this.#connection.end();
  }
}
