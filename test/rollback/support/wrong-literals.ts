import { connect, type SharedServer } from '../../support/servers.ts';
import { query } from '../../support/scene.ts';

export interface WrongLiteral {
  readonly what: string;
  readonly type: string;
  readonly value: string;
  /** Spoils the INSERT that brings a deleted row back, in which this column is the last. */
  readonly wrong: (sql: string) => string;
}

/** Wrong literals of the kind that rounding, padding and zones bring about. Each must be seen by the comparisons that the tests of undo use. */
const WRONG_LITERALS: readonly WrongLiteral[] = [
  { what: 'a last digit of a DECIMAL', type: 'DECIMAL(65,30)', value: '0.000000000000000000000000000001', wrong: (sql) => sql.replace('0001)', '0002)') },
  { what: 'a last bit of a DOUBLE', type: 'DOUBLE', value: '0.1', wrong: (sql) => sql.replace('0.1e0', '0.10000000000000002e0') },
  { what: 'a FLOAT as its short text', type: 'FLOAT', value: '16777217', wrong: (sql) => sql.replace('16777216e0', '16777200e0') },
  { what: 'a sign of zero', type: 'DOUBLE', value: '-0e0', wrong: (sql) => sql.replace('-0e0', '0e0') },
  { what: 'a time zone', type: 'TIMESTAMP NULL', value: "'2026-11-20 12:00:00'", wrong: (sql) => sql.replace('12:00:00', '13:00:00').replace('1795176000', '1795179600') },
  { what: 'a microsecond', type: 'DATETIME(6)', value: "'2026-11-20 12:00:00.123456'", wrong: (sql) => sql.replace('.123456', '.123457') },
  { what: 'a sign of TIME', type: 'TIME', value: "'-00:01:00'", wrong: (sql) => sql.replace('-00:01:00', '00:01:00') },
  { what: 'a padding byte', type: 'VARBINARY(9)', value: "X'0100'", wrong: (sql) => sql.replace("X'0100'", "X'01'") },
  { what: 'a trailing blank', type: 'VARCHAR(9)', value: "'a '", wrong: (sql) => sql.replace("'a '", "'a'") },
  { what: 'an ENUM index', type: "ENUM('a','')", value: '2', wrong: (sql) => sql.replace(',2)', ',0)') },
  { what: 'a SET bit beyond 2^53', type: `SET(${Array.from({ length: 64 }, (_, i) => `'s${i}'`).join(',')})`, value: '9007199254740993', wrong: (sql) => sql.replace('9007199254740993', '9007199254740992') },
  { what: 'a letter case', type: 'CHAR(9)', value: "'A'", wrong: (sql) => sql.replace("'A'", "'a'") },
  { what: 'a lost character', type: 'CHAR(9) CHARACTER SET latin1', value: "_latin1 X'81'", wrong: (sql) => sql.replace("_latin1 X'81'", "'?'") },
  { what: 'NULL for an empty text', type: 'TEXT', value: "''", wrong: (sql) => sql.replace("''", 'NULL') },
];

/** Those that the server can tell apart: MariaDB 10.11 and, since some release after 11.8.6, also 11.8 store every zero as +0. */
export async function wrongLiterals(server: SharedServer): Promise<readonly WrongLiteral[]> {
  const connection = await connect(server);
  try {
    const [row] = await query(connection, 'SELECT CAST(-0e0 AS CHAR) AS zero');
    return WRONG_LITERALS.filter(({ what }) => what !== 'a sign of zero' || row?.zero === '-0');
  } finally {
    await connection.end();
  }
}
