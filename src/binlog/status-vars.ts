import { ByteCursor } from '../core/bytes.ts';

/**
 * The status variables of a QUERY event that bear on its meaning, and all that is needed to run its text again as it ran.
 * `null` means that the event does not tell. Collations are ids (information_schema.COLLATIONS.ID).
 */
export interface StatusVars {
  /** sql_mode bits; 0 when not told. Exact: all known bits lie below 2^53. */
  sqlMode: number;
  /** Session flags of Q_FLAGS2 (bits inverted as the server stores them); see `QueryFlags2`. */
  flags2: number | null;
  clientCharset: number | null;
  connectionCollation: number | null;
  serverCollation: number | null;
  databaseCollation: number | null;
  /** MySQL: default_collation_for_utf8mb4. */
  defaultUtf8mb4Collation: number | null;
  /** MariaDB >= 11.3: character_set_collations, pairs of a character set's default collation and the one used instead. */
  characterSetCollations: readonly (readonly [number, number])[] | null;
  timeZone: string | null;
  lcTimeNames: number | null;
  autoIncrementIncrement: number | null;
  autoIncrementOffset: number | null;
  /** Fraction of the event's second in microseconds; told only where the statement used it. */
  microseconds: number | null;
  explicitDefaultsForTimestamp: boolean | null;
  sqlRequirePrimaryKey: boolean | null;
  defaultTableEncryption: boolean | null;
  /** The definer of routines and views that name none, where told. */
  invoker: { readonly user: string; readonly host: string } | null;
  /** Schemas that the statement touches; null when not told or more than the server lists (254). */
  updatedSchemas: readonly string[] | null;
  /** XID under which a DDL is also known to the engines. */
  ddlXid: bigint | null;
  /** MariaDB's two-phase ALTER as this event tells it, the same as the GTID event before it (mariadb-gtid.ts). */
  alterFlags: number | null;
  /** False when a code of a later release stopped the reading: what follows it is not known. */
  complete: boolean;
}

/** Bits of flags2 (MySQL query_options.h; MariaDB sql_priv.h): set bits switch the variable off, but AUTO_IS_NULL. */
export const QueryFlags2 = { AUTO_IS_NULL: 0x4000, NOT_AUTOCOMMIT: 0x80000, NO_FOREIGN_KEY_CHECKS: 0x4000000, RELAXED_UNIQUE_CHECKS: 0x8000000 } as const;

const OVER_MAX_SCHEMAS = 254;

function nulText(cursor: ByteCursor): string {
  const end = cursor.buffer.indexOf(0, cursor.offset);
  if (end < 0 || end >= cursor.end) throw new RangeError('a schema name does not end');
  const text = cursor.buffer.toString('utf8', cursor.offset, end);
  cursor.offset = end + 1;
  return text;
}

function updatedSchemas(cursor: ByteCursor): string[] | null {
  const count = cursor.u8();
  if (count >= OVER_MAX_SCHEMAS) return null;
  return Array.from({ length: count }, () => nulText(cursor));
}

/** Reads one variable; false for a code it does not know. Layouts: MySQL statement_events.h, MariaDB log_event.h. */
function readShared(code: number, cursor: ByteCursor, vars: StatusVars): boolean {
  switch (code) {
    case 0: vars.flags2 = cursor.u32(); return true;
    case 1: vars.sqlMode = cursor.u64(); return true;
    case 2: cursor.take(cursor.u8() + 1); return true; // catalog with a final NUL (MySQL 5.0.0 to 5.0.3)
    case 3: vars.autoIncrementIncrement = cursor.u16(); vars.autoIncrementOffset = cursor.u16(); return true;
    case 4: vars.clientCharset = cursor.u16(); vars.connectionCollation = cursor.u16(); vars.serverCollation = cursor.u16(); return true;
    case 5: vars.timeZone = cursor.text(cursor.u8()); return true;
    case 6: cursor.take(cursor.u8()); return true; // catalog, always "std"
    case 7: vars.lcTimeNames = cursor.u16(); return true;
    case 8: vars.databaseCollation = cursor.u16(); return true;
    case 9: cursor.take(8); return true; // tables of a multi-table UPDATE as a bit set
    case 10: cursor.take(4); return true; // bytes written by the master, relay logs only
    case 11: { const user = cursor.text(cursor.u8()); vars.invoker = { user, host: cursor.text(cursor.u8()) }; return true; }
    case 12: vars.updatedSchemas = updatedSchemas(cursor); return true;
    case 13: vars.microseconds = cursor.u16() + cursor.u8() * 0x10000; return true;
    default: return false;
  }
}

function readMysql(code: number, cursor: ByteCursor, vars: StatusVars): boolean {
  switch (code) {
    case 16: vars.explicitDefaultsForTimestamp = cursor.u8() !== 0; return true;
    case 17: vars.ddlXid = cursor.slice(8).readBigUInt64LE(0); return true;
    case 18: vars.defaultUtf8mb4Collation = cursor.u16(); return true;
    case 19: vars.sqlRequirePrimaryKey = cursor.u8() !== 0; return true;
    case 20: vars.defaultTableEncryption = cursor.u8() !== 0; return true;
    // Undocumented: one byte after statement-format DML, seen on MySQL 9.7 only.
    case 21: cursor.take(1); return true;
    default: return false;
  }
}

function readMariadb(code: number, cursor: ByteCursor, vars: StatusVars): boolean {
  switch (code) {
    case 128: vars.microseconds = cursor.u16() + cursor.u8() * 0x10000; return true;
    case 129: vars.ddlXid = cursor.slice(8).readBigUInt64LE(0); return true;
    case 130:
      vars.alterFlags = cursor.u8();
      // COMMIT (0x04) and ROLLBACK (0x08) name the sequence number of their START.
      if (vars.alterFlags & 0x0c) cursor.take(8);
      return true;
    case 131: vars.characterSetCollations = Array.from({ length: cursor.u8() }, () => [cursor.u16(), cursor.u16()] as const); return true;
    default: return false;
  }
}

/**
 * Reads the status variables in `buffer[start, end)`. Never throws: what is cut short or unknown ends the reading
 * with `complete: false`, since the length of an unknown variable cannot be told.
 */
export function parseStatusVars(buffer: Buffer, start: number, end: number, flavour: 'mysql' | 'mariadb'): StatusVars {
  const vars: StatusVars = {
    sqlMode: 0, flags2: null, clientCharset: null, connectionCollation: null, serverCollation: null, databaseCollation: null,
    defaultUtf8mb4Collation: null, characterSetCollations: null, timeZone: null, lcTimeNames: null, autoIncrementIncrement: null,
    autoIncrementOffset: null, microseconds: null, explicitDefaultsForTimestamp: null, sqlRequirePrimaryKey: null,
    defaultTableEncryption: null, invoker: null, updatedSchemas: null, ddlXid: null, alterFlags: null, complete: true,
  };
  const cursor = new ByteCursor(buffer, start, Math.min(end, buffer.length));
  const readOwn = flavour === 'mysql' ? readMysql : readMariadb;
  try {
    while (cursor.left > 0) {
      const code = cursor.u8();
      if (!readShared(code, cursor, vars) && !readOwn(code, cursor, vars)) return { ...vars, complete: false };
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    vars.complete = false;
  }
  return vars;
}
