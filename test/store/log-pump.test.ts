import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import type { CapturedOperation, CapturedTransaction } from '../../src/capture/types.ts';
import { UndoError } from '../../src/core/errors.ts';
import { dropConnection, rows } from '../../src/core/mysql.ts';
import type { Batch, CheckpointState } from '../../src/store/batch.ts';
import type { PackedBlock } from '../../src/store/block-codec.ts';
import { createLedger, Ledger } from '../../src/store/ledger.ts';
import { LogPump } from '../../src/store/log-pump.ts';
import { createCheckpoint, readCheckpoint, registerSource } from '../../src/store/registry.ts';
import { PROCESS_LIST } from '../support/any-server.ts';
import { backups, connect, uniqueSchema, type SharedServer } from '../support/servers.ts';
import { until } from '../support/until.ts';

const FILE = 'binlog.000001';

function operation(seq: number, statement: Buffer | null, extra: Partial<CapturedOperation> = {}): CapturedOperation {
  return {
    seq, opid: `1700000000_7_${seq}`, schema: 'shop', table: 't', type: 'INSERT', seconds: 1_700_000_000, statement, charset: 45, ddl: false, copy: null, session: null,
    inserted: 1, updated: 0, deleted: 0, partial: false, rolledBack: false, ...extra,
  };
}

function transaction(ordinal: number): CapturedTransaction {
  return {
    start: { file: FILE, offset: ordinal * 100 }, end: { file: FILE, offset: ordinal * 100 + 99 }, gtid: `0-1-${ordinal}`, threadId: 7, serverId: 1, commitMicros: ordinal, statedSeconds: 1,
    operations: [], spilled: false, rolledBack: false, script: null, gaps: [],
  };
}

/** Of one transaction of one operation, with a block of it and the checkpoint behind it. */
function batch(ordinal: number, extra: Partial<Batch> = {}): Batch {
  const data = Buffer.alloc(1000, ordinal);
  return {
    blocks: [{ block: ordinal, rawBytes: data.length, packed: Promise.resolve({ codec: 0, rawBytes: data.length, data }), keys: [], fromOrdinal: ordinal, toOrdinal: ordinal }],
    transactions: [{ ordinal, tag: ordinal, operationCount: 1, firstBlock: ordinal, lastBlock: ordinal, rowsFile: null, transaction: transaction(ordinal) }],
    operations: [{ ordinal, operations: [operation(0, Buffer.from(`INSERT ${ordinal}`))] }],
    discarded: [], prepared: [], settled: [], gaps: [], definitions: [], objects: [], copies: [], checkpoint: checkpoint(ordinal), ...extra,
  };
}

function checkpoint(ordinal: number): CheckpointState {
  return { position: { file: FILE, offset: ordinal * 100 + 99 }, anchor: null, gtidSet: null, nextOrdinal: ordinal + 1, nextBlock: ordinal + 1, commitMicros: ordinal };
}

/** A ledger with one source under epoch 1, and a pump of two connections. */
async function ready(server: SharedServer) {
  const ledger = new Ledger(uniqueSchema('pump'));
  const [admin, other, ...connections] = await Promise.all(Array.from({ length: 4 }, async () => {
    const connection = await connect(server);
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    return connection;
  }));
  await createLedger(admin!, ledger);
  const source = await registerSource(admin!, ledger, { alias: 'a', flavour: 'mysql', label: 'a', labelPort: 1 });
  await createCheckpoint(admin!, ledger, source.id, { uuid: null, id: 1, version: 'x' }, { position: { file: FILE, offset: 4 }, gtidSet: null, startGtids: null, commitMicros: 0 });
  await admin!.query(`UPDATE ${ledger.table('checkpoints')} SET epoch = 1`);
  const { incarnation } = (await readCheckpoint(admin!, ledger, source.id))!;
  const [durable, failures]: [number[], unknown[]] = [[], []];
  const pump = new LogPump({
    connections, scope: { ledger, sourceId: source.id, incarnationId: incarnation.id, epoch: 1 }, textLimit: 1000,
    onWritten: () => undefined, onDurable: ({ nextOrdinal }) => durable.push(nextOrdinal - 1), onPressure: () => undefined,
    onFailed: (error) => failures.push(error), onRoom: () => undefined,
  });
  return {
    ledger, pump, durable, failures, admin: admin!, other: other!, sourceId: source.id,
    /** As the end of a session does. */
    drop: (): void => connections.forEach(dropConnection),
    end: async (): Promise<void> => {
      await pump.close();
      connections.forEach(dropConnection);
      await other!.end();
      await admin!.query(`DROP DATABASE ${ledger.name}`);
      await admin!.end();
    },
  };
}

/** Ordinals of the transactions that are there, also of what has not committed. */
async function ordinals(connection: Connection, ledger: Ledger, uncommitted = false): Promise<number[]> {
  await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL READ ${uncommitted ? 'UNCOMMITTED' : 'COMMITTED'}`);
  const found = await rows<{ ordinal: string }>(connection, `SELECT ordinal FROM ${ledger.table('transactions')} ORDER BY ordinal`);
  return found.map(({ ordinal }) => Number(ordinal));
}

for (const server of backups()) {
  it(`${server.kind}: the rows of a batch go in while the one before cannot commit yet, and both commit in order`, async () => {
    const { admin, other, ledger, pump, durable, failures, end } = await ready(server);
    await other.query('START TRANSACTION');
    await other.query(`SELECT * FROM ${ledger.table('checkpoints')} FOR UPDATE`);
    pump.push(batch(1), 1000);
    pump.push(batch(2), 1000);
    pump.push(batch(3), 1000);
    assert.equal(pump.full, true);
    await until('the rows of two batches are there', async () => (await ordinals(admin, ledger, true)).length === 2);
    assert.deepEqual(await ordinals(admin, ledger), []);
    await other.query('ROLLBACK');
    await pump.close();
    assert.deepEqual({ durable, failures, ordinals: await ordinals(admin, ledger), waiting: pump.pendingBytes }, { durable: [1, 2, 3], failures: [], ordinals: [1, 2, 3], waiting: 0 });
    await end();
  });

  it(`${server.kind}: when a batch cannot commit, none behind it does`, async () => {
    const { admin, other, ledger, pump, durable, failures, drop, end } = await ready(server);
    pump.push(batch(1), 1000);
    await until('the first is durable', () => durable.length === 1);
    await other.query('START TRANSACTION');
    // Another daemon takes over, while the rows of two batches are there already.
    await other.query(`UPDATE ${ledger.table('checkpoints')} SET epoch = 2`);
    for (const ordinal of [2, 3, 4]) pump.push(batch(ordinal), 1000);
    await until('the rows of two batches are there', async () => (await ordinals(admin, ledger, true)).length === 3);
    await other.query('COMMIT');
    await pump.close();
    const [failure] = failures;
    assert.ok(failure instanceof UndoError && failure.code === 'LEADER_LOST' && failures.length === 1, String(failures));
    drop();
    await until('the server has rolled both back', async () => (await ordinals(admin, ledger, true)).length === 1);
    assert.deepEqual({ durable, ordinals: await ordinals(admin, ledger) }, { durable: [1], ordinals: [1] });
    await end();
  });

  it(`${server.kind}: a batch that fails before the one before is through is waited for with it, and that one counts`, async () => {
    const { admin, ledger, pump, durable, failures, end } = await ready(server);
    const data = Buffer.alloc(1000);
    let pack!: () => void;
    const packed = new Promise<PackedBlock>((resolve) => { pack = () => resolve({ codec: 0, rawBytes: data.length, data }); });
    pump.push(batch(1, { blocks: [{ block: 1, rawBytes: data.length, packed, keys: [], fromOrdinal: 1, toOrdinal: 1 }] }), 1000);
    const unpacked = Promise.reject<PackedBlock>(new Error('not packed'));
    unpacked.catch(() => undefined);
    pump.push(batch(2, { blocks: [{ block: 2, rawBytes: 0, packed: unpacked, keys: [], fromOrdinal: 2, toOrdinal: 2 }] }), 1000);
    await until('the second has failed', () => failures.length > 0);
    const closed = pump.close();
    // By the event loop, which whoever waits for the first must leave running.
    setTimeout(pack, 50);
    await closed;
    assert.deepEqual({ durable, failures: failures.map(String), ordinals: await ordinals(admin, ledger) }, { durable: [1], failures: ['Error: not packed'], ordinals: [1] });
    await end();
  });

  it(`${server.kind}: a change of the ledger's tables that waits for a batch does not stop the batch before`, async () => {
    const { admin, other, ledger, pump, durable, failures, end } = await ready(server);
    const data = Buffer.alloc(1000);
    let pack!: () => void;
    const packed = new Promise<PackedBlock>((resolve) => { pack = () => resolve({ codec: 0, rawBytes: data.length, data }); });
    pump.push(batch(1, { blocks: [{ block: 1, rawBytes: data.length, packed, keys: [], fromOrdinal: 1, toOrdinal: 1 }] }), 1000);
    pump.push(batch(2), 1000);
    await until('the rows of the second are there', async () => (await ordinals(admin, ledger, true)).includes(2));
    // Needs the table for itself, and lets nobody past who comes later.
    const altered = other.query(`ALTER TABLE ${ledger.table('operations')} COMMENT 'changed'`);
    await until('it waits', async () => (await rows(admin, `SELECT 1 FROM ${PROCESS_LIST} WHERE state LIKE 'Waiting for table metadata lock%' AND info LIKE 'ALTER%'`)).length > 0);
    pack();
    await until('both are durable', () => durable.length === 2, 20);
    await altered;
    assert.deepEqual(failures, []);
    await end();
  });

  it(`${server.kind}: nothing is written in the place of what a batch takes back before that is gone`, async () => {
    const { admin, other, ledger, pump, durable, failures, sourceId, end } = await ready(server);
    // Ahead of its transaction, which then is rolled back; another one gets the same ordinal.
    pump.push(batch(1, { transactions: [], operations: [{ ordinal: 1, operations: [operation(0, Buffer.from('rolled back')), operation(1, null)] }], checkpoint: null }), 1000);
    await until('it is there', async () => (await rows(admin, `SELECT 1 FROM ${ledger.table('operations')}`)).length === 2);
    await other.query('START TRANSACTION');
    await other.query(`SELECT * FROM ${ledger.table('operations')} FOR UPDATE`);
    pump.push(batch(1, { blocks: [], transactions: [], operations: [], discarded: [{ ordinal: 1, table: null }], checkpoint: null }), 1000);
    pump.push(batch(1, { blocks: [] }), 1000);
    assert.equal(pump.full, true);
    await other.query('ROLLBACK');
    await pump.close();
    const found = await rows<{ seq: number; statement: Buffer }>(admin, `SELECT seq, statement FROM ${ledger.table('operations')} WHERE source_id = ?`, [sourceId]);
    assert.deepEqual({ durable, failures, found: found.map(({ seq, statement }) => [seq, statement.toString()]) }, { durable: [1], failures: [], found: [[0, 'INSERT 1']] });
    await end();
  });

  it(`${server.kind}: every byte of statements, names and remarks comes back from an INSERT of many rows`, async () => {
    const { admin, ledger, pump, failures, end } = await ready(server);
    const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte));
    const ascii = bytes.subarray(0, 128);
    const texts = [null, Buffer.alloc(0), ascii, bytes, Buffer.from("it's \\ 'x'? `q` ; -- 磨"), Buffer.from('plain (1, 2) <= a@b:c/d.e+f')];
    const operations = texts.map((statement, seq) => operation(seq, statement, {
      schema: `s'\\"磨${seq}`, table: '`?`', ...(seq === 3 && { ddl: true, session: { schema: "d'\\", sqlMode: 2 ** 52 } }),
    }));
    pump.push(batch(1, { operations: [{ ordinal: 1, operations }] }), 1000);
    await pump.close();
    assert.deepEqual(failures, []);
    const found = await rows<{ seq: number; statement: Buffer | null; schema_name: string; table_name: string; default_schema: string | null; sql_mode: string | null; state: string }>(
      admin, `SELECT seq, statement, schema_name, table_name, default_schema, sql_mode, state FROM ${ledger.table('operations')} ORDER BY seq`);
    assert.deepEqual(found.map((one) => [one.statement, one.schema_name, one.table_name, one.default_schema, one.sql_mode === null ? null : Number(one.sql_mode), one.state]),
      operations.map((one) => [one.statement, one.schema, one.table, one.session?.schema ?? null, one.session?.sqlMode ?? null, 'captured']));
    await end();
  });
}
