import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { openConnection, rows, run } from '../../src/core/mysql.ts';
import { InformationRows } from '../../src/projection/information-rows.ts';
import type { StoredOperation, StoredTransaction } from '../../src/store/log-reader.ts';
import { backups, connect, uniqueSchema } from '../support/servers.ts';

const LIMIT = 16 * 1024;
/** What `check` asks a backup server for at least. */
const LEAST_PACKET = 4 * 1024 * 1024;

const TRANSACTION: StoredTransaction = {
  ordinal: 1, incarnationId: 1, gtid: null, start: { file: 'binlog.000001', offset: 4 }, end: { file: 'binlog.000001', offset: 2 ** 40 }, commitMicros: 0, statedSeconds: 0, threadId: 1,
  serverId: 1, tag: 0, operationCount: 1, firstBlock: null, lastBlock: null, rowsFile: 'binlog.000001', script: null,
};

function operation(opid: string, statement: Buffer | null, statementBytes = statement?.length ?? 0): StoredOperation {
  return {
    ordinal: 1, seq: 1, opid, schema: "it's", table: 'a\\b', type: 'UPDATE', ddl: false, seconds: 1_795_183_500, inserted: 0, updated: 1, deleted: 0, statement, statementBytes,
    statementCharset: null, state: 'captured', session: null, remark: null,
  };
}

interface Case {
  readonly statement: Buffer | null;
  readonly charset: string | null;
  readonly whole?: number;
  readonly shown: string;
}

/** What a reader is to see of SQL that was logged so. */
const CASES: Readonly<Record<string, Case>> = {
  'UTF-8': { statement: Buffer.from("UPDATE t SET a = 'x\\'y', b = '磨😀'\0\n"), charset: 'utf8mb4', shown: "UPDATE t SET a = 'x\\'y', b = '磨😀'\0\n" },
  'of no known character set': { statement: Buffer.from('SELECT \'磨\''), charset: null, shown: "SELECT '磨'" },
  'gbk': { statement: Buffer.concat([Buffer.from("SET a = '"), Buffer.from([0xc4, 0xa5, 0x81, 0x5c]), Buffer.from("'")]), charset: 'gbk', shown: `SET a = '${new TextDecoder('gbk').decode(Buffer.from([0xc4, 0xa5, 0x81, 0x5c]))}'` },
  'latin1 with a NUL': { statement: Buffer.from('caf\u00e9 \0 \'', 'latin1'), charset: 'latin1', shown: "café \0 '" },
  'bytes that are no text': { statement: Buffer.from([0x41, 0xff, 0xfe, 0x5c]), charset: null, shown: 'Aÿþ\\' },
  'cut inside a character': { statement: Buffer.from('SET a = 磨').subarray(0, -1), charset: 'utf8mb4', whole: 90_000, shown: 'SET a =  /* cut, 90000 bytes in all */' },
  'not logged': { statement: null, charset: null, shown: '/* not logged */' },
};

async function withTable(server: ReturnType<typeof backups>[number], use: (connection: Connection, database: string) => Promise<void>): Promise<void> {
  const admin = await connect(server);
  const database = uniqueSchema('information');
  const connection = await openConnection({ role: 'backup', host: server.host, port: server.port, user: server.user, password: () => server.password, tls: null });
  try {
    await admin.query(`CREATE DATABASE \`${database}\` CHARACTER SET utf8mb4`);
    await admin.query(`CREATE TABLE \`${database}\`.\`$_$Inception_backup_information$_$\` (opid_time varchar(50) PRIMARY KEY, start_binlog_file varchar(512), start_binlog_pos bigint unsigned,
      end_binlog_file varchar(512), end_binlog_pos bigint unsigned, sql_statement mediumtext, host varchar(128), dbname varchar(64), tablename varchar(64), port int unsigned, time timestamp NOT NULL, type varchar(20))`);
    await use(connection, database);
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS \`${database}\``);
    await admin.end();
    await connection.end();
  }
}

for (const server of backups()) {
  it(`${server.kind}: rows of the information table show SQL of every character set, cut where it has to be`, async () => {
    await withTable(server, async (connection, database) => {
      const information = new InformationRows({ write: async (sql) => { await run(connection, sql, null); } }, 'h\\o"st', 3306, LIMIT);
      for (const [name, { statement, charset, whole }] of Object.entries(CASES)) information.add({ name: database, limits: { statementBytes: LIMIT, hostCharacters: 128 } }, TRANSACTION, operation(name, statement, whole), charset);
      await information.flush();
      const found = await rows<Record<string, string>>(connection, `SELECT * FROM \`${database}\`.\`$_$Inception_backup_information$_$\``);
      assert.deepEqual(Object.fromEntries(found.map((row) => [row.opid_time, row.sql_statement])), Object.fromEntries(Object.entries(CASES).map(([name, { shown }]) => [name, shown])));
      const { opid_time: _, sql_statement: __, ...others } = found[0]!;
      assert.deepEqual({ ...others }, {
        start_binlog_file: 'binlog.000001', start_binlog_pos: '4', end_binlog_file: 'binlog.000001', end_binlog_pos: String(2 ** 40), host: 'h\\o"st', dbname: "it's", tablename: 'a\\b', port: 3306,
        time: new Date(1_795_183_500_000).toISOString().slice(0, 19).replace('T', ' '), type: 'UPDATE',
      });
    });
  });
}

it('long statements that are not UTF-8 go in packets that every backup server takes', async () => {
  const sent: string[] = [];
  const information = new InformationRows({ write: (sql) => { sent.push(sql); return Promise.resolve(); } }, 'host', 3306, LIMIT);
  const statement = Buffer.alloc(LIMIT, 0xff);
  for (let i = 0; i < 400; i++) information.add({ name: 'd', limits: { statementBytes: LIMIT, hostCharacters: 128 } }, TRANSACTION, operation(`opid${i}`, statement), 'latin1');
  await information.flush();
  assert.ok(sent.every((sql) => Buffer.byteLength(sql) < LEAST_PACKET), String(Math.max(...sent.map((sql) => sql.length))));
  assert.equal(sent.join('').match(/'opid\d+'/g)!.length, 400);
});
