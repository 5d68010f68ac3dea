import type { Connection, RowDataPacket } from 'mysql2/promise';
import { quoteName, quoteTable, quoteText } from '../../core/identifiers.ts';
import { row, rows, scalar, serverErrorNumber } from '../../core/mysql.ts';
import { sqlModeBits } from '../../binlog/sql/tokenizer.ts';
import type { ObjectDefinition, ObjectKind, ObjectName, ObjectSession, ObjectText } from './object.ts';
import { printColumn, printOf, type CatalogKind } from './object-print.ts';

/** What is asked for its names, by kind; sequences live among MariaDB's tables. */
const LISTS: readonly { readonly kind: ObjectKind | null; readonly sql: string }[] = [
  { kind: 'VIEW', sql: 'SELECT table_name AS name FROM information_schema.views WHERE table_schema = ?' },
  { kind: null, sql: 'SELECT routine_name AS name, routine_type AS kind FROM information_schema.routines WHERE routine_schema = ?' },
  { kind: 'EVENT', sql: 'SELECT event_name AS name FROM information_schema.events WHERE event_schema = ?' },
  { kind: 'TRIGGERS', sql: 'SELECT DISTINCT event_object_table AS name FROM information_schema.triggers WHERE trigger_schema = ?' },
  { kind: 'SEQUENCE', sql: "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'SEQUENCE'" },
];

/** Names of a schema's objects, with the database itself, as far as the account may see them. */
export async function listObjects(connection: Connection, schema: string): Promise<ObjectName[]> {
  const found: ObjectName[] = [{ schema, kind: 'DATABASE', name: '' }];
  for (const { kind, sql } of LISTS) {
    for (const { name, kind: own } of await rows<{ name: string; kind?: string }>(connection, sql, [schema])) {
      // MariaDB's packages stand among the routines.
      if (kind !== null || own === 'PROCEDURE' || own === 'FUNCTION') found.push({ schema, kind: kind ?? own as ObjectKind, name });
    }
  }
  return found;
}

/** No such object, or no right to see it. */
const NOT_THERE = new Set([1049, 1044, 1142, 1143, 1146, 1227, 1305, 1347, 1360, 1370, 1539, 4089, 4091]);

/** @returns null when it is not there, or may not be seen. */
export async function readObject(connection: Connection, name: ObjectName, flavour: Flavour): Promise<ObjectDefinition | null> {
  try {
    return await READERS[name.kind](connection, name, flavour);
  } catch (error) {
    const number = serverErrorNumber(error);
    if (number !== null && NOT_THERE.has(number)) return null;
    throw error;
  }
}

type Flavour = 'mysql' | 'mariadb';
type Shown = Record<string, string | null>;

async function show(connection: Connection, what: string, { schema, name }: ObjectName): Promise<Shown | null> {
  const [found] = await connection.query<(Shown & RowDataPacket)[]>(`SHOW CREATE ${what} ${quoteTable(schema, name)}`);
  return found[0] ?? null;
}

function sessionOf(shown: Shown): ObjectSession {
  const mode = shown.sql_mode ?? null;
  const words = new Set(mode?.split(','));
  return {
    sqlMode: mode === null ? null : quoteText(mode),
    readWith: (words.has('ANSI_QUOTES') ? sqlModeBits.ANSI_QUOTES : 0) | (words.has('NO_BACKSLASH_ESCAPES') ? sqlModeBits.NO_BACKSLASH_ESCAPES : 0),
    client: shown.character_set_client ?? null,
    connection: shown.collation_connection ?? '',
    timeZone: shown.time_zone ?? null,
  };
}

function one(name: string, sql: string | null | undefined, rest: Partial<ObjectText> = {}): ObjectDefinition | null {
  // The body of a routine is NULL for accounts that may only run it.
  return typeof sql === 'string' && sql !== '' ? { texts: [{ name, sql, session: null, characteristics: null, moment: null, ...rest }] } : null;
}

/** @returns null also where the account may not look at all that goes into it. */
async function readPrint(connection: Connection, { schema, name }: ObjectName, kind: CatalogKind, flavour: Flavour): Promise<string | null> {
  try {
    return await scalar<string>(connection, `SELECT ${printOf({ schema, kind, name }, flavour)} AS print`);
  } catch (error) {
    if (serverErrorNumber(error) === null) throw error;
    return null;
  }
}

const READERS: Readonly<Record<ObjectKind, (connection: Connection, name: ObjectName, flavour: Flavour) => Promise<ObjectDefinition | null>>> = {
  DATABASE: readDatabase,
  VIEW: async (connection, name, flavour) => {
    const shown = await show(connection, 'VIEW', name);
    return shown && one(name.name, shown['Create View'], { session: sessionOf(shown), print: await readPrint(connection, name, 'VIEW', flavour) });
  },
  PROCEDURE: readRoutine,
  FUNCTION: readRoutine,
  EVENT: async (connection, name, flavour) => {
    const shown = await show(connection, 'EVENT', name);
    return shown && one(name.name, shown['Create Event'], { session: sessionOf(shown), print: await readPrint(connection, name, 'EVENT', flavour) });
  },
  SEQUENCE: async (connection, name, flavour) => {
    const shown = await show(connection, 'SEQUENCE', name);
    return shown && one(name.name, shown['Create Table'], { print: await readPrint(connection, name, 'SEQUENCE', flavour) });
  },
  TRIGGERS: readTriggers,
};

/** SHOW CREATE leaves out what is the default, which ALTER would leave as it is. */
async function readDatabase(connection: Connection, { schema }: ObjectName, flavour: Flavour): Promise<ObjectDefinition | null> {
  const [shown] = await rows<Shown>(connection, `SHOW CREATE DATABASE ${quoteName(schema)}`);
  const found = await row<{ charset: string; collation: string; print: string | null }>(connection,
    `SELECT default_character_set_name AS charset, default_collation_name AS collation, ${printColumn('DATABASE', flavour)} AS print
     FROM information_schema.schemata WHERE schema_name = ?`, [schema]);
  const text = shown?.['Create Database'] ?? '';
  if (!found || text === '') return null;
  const encryption = /DEFAULT ENCRYPTION='([YN])'/.exec(text)?.[1];
  const comment = /\*\/ COMMENT ('(?:[^'\\]|''|\\.)*')/.exec(text)?.[1];
  const options = [`CHARACTER SET ${found.charset} COLLATE ${found.collation}`, ...(encryption === undefined ? [] : [`ENCRYPTION='${encryption}'`]), ...(comment === undefined ? [] : [`COMMENT ${comment}`])];
  return one('', options.join(' '), { print: found.print });
}

async function readRoutine(connection: Connection, name: ObjectName, flavour: Flavour): Promise<ObjectDefinition | null> {
  const shown = await show(connection, name.kind, name);
  const found = await row<{ access: string; security: string; comment: string; print: string | null }>(connection,
    `SELECT sql_data_access AS access, security_type AS security, routine_comment AS comment, ${printColumn('PROCEDURE', flavour)} AS print FROM information_schema.routines
     WHERE routine_schema = ? AND routine_name = ? AND routine_type = ?`, [name.schema, name.name, name.kind]);
  const comment = found && quoteText(found.comment);
  // COMMENT takes no hexadecimal literal.
  const characteristics = comment?.startsWith("'") ? `${found!.access} SQL SECURITY ${found!.security} COMMENT ${comment}` : null;
  return shown && one(name.name, shown[name.kind === 'FUNCTION' ? 'Create Function' : 'Create Procedure'], { session: sessionOf(shown), characteristics, print: found?.print ?? null });
}

async function readTriggers(connection: Connection, { schema, name }: ObjectName, flavour: Flavour): Promise<ObjectDefinition | null> {
  const found = await rows<{ name: string; moment: string; print: string | null }>(connection,
    `SELECT trigger_name AS name, CONCAT(action_timing, ' ', event_manipulation) AS moment, ${printColumn('TRIGGER', flavour)} AS print FROM information_schema.triggers
     WHERE event_object_schema = ? AND event_object_table = ? ORDER BY action_timing, event_manipulation, action_order`, [schema, name]);
  const texts: ObjectText[] = [];
  for (const trigger of found) {
    const shown = await show(connection, 'TRIGGER', { schema, kind: 'TRIGGERS', name: trigger.name });
    const sql = shown?.['SQL Original Statement'];
    if (!shown || typeof sql !== 'string') return null;
    texts.push({ name: trigger.name, sql, session: sessionOf(shown), characteristics: null, moment: trigger.moment, print: trigger.print });
  }
  return { texts };
}
