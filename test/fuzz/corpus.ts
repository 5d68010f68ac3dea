import { deflateSync } from 'node:zlib';
import { parseRowsEvent } from '../../src/binlog/rows-event.ts';
import { readDefinition } from '../../src/schema/read-definition.ts';
import type { TableDefinition } from '../../src/schema/definition.ts';
import { dumpBinlog } from '../rollback/support/binlog-dump.ts';
import { typeCases } from '../rollback/support/type-cases.ts';
import { UndoBench } from '../rollback/support/undo-bench.ts';
import { query } from '../support/scene.ts';
import type { SharedServer } from '../support/servers.ts';
import { HEADER, withBody } from './event-bytes.ts';

/** Real events of one server: everything that its decoder can meet, in groups as they follow each other. */
export interface Corpus {
  readonly format: Buffer;
  /** Each from a GTID event to the end of its transaction. */
  readonly groups: readonly (readonly Buffer[])[];
  /** By `schema\0table`. */
  readonly definitions: ReadonlyMap<string, TableDefinition>;
}

const GTID_TYPES = new Set([33, 34, 42, 162]);
const FORMAT_DESCRIPTION = 15;
const MAX_GROUP_BYTES = 100_000;

export async function makeCorpus(server: SharedServer): Promise<Corpus> {
  await using bench = await UndoBench.open(server, 'fuzz_corpus');
  const { work } = bench;
  await work.query('FLUSH BINARY LOGS');
  const [files] = await work.query<{ Log_name: string }[] & []>('SHOW BINARY LOGS');
  const tables: string[] = [];
  for (const [group, cases] of Object.entries(typeCases(server.flavour, server.version))) {
    const small = cases.map(({ type, values }) => ({ type, values: values.filter((value) => !value.includes('REPEAT')) })).filter(({ values }) => values.length > 0);
    const rows = [0, 1].map((row) => `(${row}, ${small.map(({ values }) => values[row % values.length]!).join(', ')})`);
    const table = `t_${group}`;
    tables.push(table);
    await work.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, ${small.map(({ type }, i) => `c${i} ${type}`).join(', ')})`);
    await work.query(`INSERT INTO ${table} VALUES ${rows.join(', ')}`);
    await work.query(`UPDATE ${table} SET id = id + 10, c0 = NULL`).catch(() => work.query(`UPDATE ${table} SET id = id + 10`));
    await work.query('START TRANSACTION');
    await work.query(`DELETE FROM ${table} LIMIT 1`);
    await work.query('SAVEPOINT s');
    await work.query(`DELETE FROM ${table}`);
    await work.query('ROLLBACK TO s');
    await work.query('COMMIT');
  }
  await sessionVariants(bench, tables);
  await work.query("XA START 'x'");
  await work.query('UPDATE t_numbers SET c0 = 7');
  await work.query("XA END 'x'");
  await work.query("XA PREPARE 'x'");
  await work.query("XA COMMIT 'x'");
  await work.query('ALTER TABLE t_numbers COMMENT = \'changed\'');
  await work.query('CREATE TABLE made SELECT 1 AS id');
  const definitions = new Map<string, TableDefinition>();
  for (const table of tables) definitions.set(`${bench.schema}\0${table}`, (await readDefinition(work, bench.schema, table))!);
  const events = split(await dumpBinlog(server, files.at(-1)!.Log_name));
  const format = events.find((event) => event[4] === FORMAT_DESCRIPTION)!;
  const groups = grouped(events).filter((group) => {
    const bytes = Buffer.concat(group);
    return bytes.length < MAX_GROUP_BYTES && (bytes.includes(bench.schema) || group.some((event) => event[4] === 40));
  });
  return { format, groups: server.flavour === 'mariadb' ? [...groups, ...groups.map((group) => group.map(compressed))] : groups, definitions };
}

async function sessionVariants({ work, server }: UndoBench, tables: readonly string[]): Promise<void> {
  const variants = server.flavour === 'mysql'
    ? ["binlog_transaction_compression=1", "binlog_row_image='MINIMAL'", "binlog_row_image='NOBLOB'", "binlog_row_value_options='PARTIAL_JSON'"]
    : ["binlog_row_image='MINIMAL'", "binlog_row_image='NOBLOB'", ...(server.version.startsWith('10.') ? [] : ["binlog_row_image='FULL_NODUP'"])];
  for (const variant of variants) {
    const [name] = variant.split('=');
    const [saved] = await query(work, `SELECT @@session.${name!} AS v`);
    await work.query(`SET SESSION ${variant}`);
    for (const table of tables) await work.query(`UPDATE ${table} SET id = id + 1 ORDER BY id DESC`);
    if (server.flavour === 'mysql') await work.query(`UPDATE t_own SET c0 = JSON_SET('{"a": [1, 2], "b": "long enough to be worth a difference"}', '$.a[1]', 3)`);
    if (server.flavour === 'mysql') await work.query("UPDATE t_own SET c0 = JSON_SET(c0, '$.a[0]', 5)");
    await work.query(`SET SESSION ${name!}=${typeof saved!.v === 'number' ? saved!.v : `'${String(saved!.v)}'`}`);
  }
}

function split(file: Buffer): Buffer[] {
  const events: Buffer[] = [];
  for (let at = 4; at + HEADER <= file.length;) {
    const length = file.readUInt32LE(at + 9);
    events.push(file.subarray(at, at + length));
    at += length;
  }
  return events;
}

function grouped(events: readonly Buffer[]): Buffer[][] {
  const groups: Buffer[][] = [];
  for (const event of events) {
    if (GTID_TYPES.has(event[4]!)) groups.push([event]);
    else groups.at(-1)?.push(event);
  }
  return groups;
}

/** The same event as log_bin_compress would have written it; such a server cannot be had for one session. */
function compressed(event: Buffer): Buffer {
  const type = event[4]!;
  const body = event.subarray(HEADER, -4);
  const deflated = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([Buffer.from([0x84]), length, deflateSync(bytes)]);
  };
  if (type < 23 || type > 25) return event;
  const { rowsStart } = parseRowsEvent(type, body, 0, body.length);
  const copy = Buffer.from(event);
  copy[4] = type - 23 + 166;
  return withBody(copy, Buffer.concat([body.subarray(0, rowsStart), deflated(body.subarray(rowsStart))]));
}
