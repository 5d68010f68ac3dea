import type { Flavour } from '../../../deploy/provision/index.ts';

/** A DDL, spelled in one of the ways that the servers know. */
export interface Spelling {
  /** What its session does before it. */
  readonly first?: readonly string[];
  readonly sql: string;
  /** `other`: with another database as default, which has a table of the same name. */
  readonly from?: 'other';
  /** How many operations it leaves that can be undone; `fails`: none, as the server refuses it. */
  readonly effect: 'one' | 'none' | 'fails';
}

const one = (sql: string): Spelling => ({ sql, effect: 'one' });
const none = (sql: string): Spelling => ({ sql, effect: 'none' });
const fails = (sql: string): Spelling => ({ sql, effect: 'fails' });

const ANSI = "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')";

/** On a table `t` with `id`, `v` and `n`, and two empty ones, `doomed` and `doomed2`. What `t` has keeps its name, but `v`. */
export function spellings(flavour: Flavour, schema: string): Spelling[] {
  const maria = flavour === 'mariadb';
  const qualified = `\`${schema}\`.t`;
  return [
    // Comments that the server runs, and those that it does not.
    one('/*!50000 ALTER TABLE t ADD COLUMN e1 INT NOT NULL DEFAULT 5 FIRST */'),
    one('ALTER /*!50000 TABLE */ t /*!40000 ADD COLUMN e2 VARCHAR(9) AFTER id */ /*!999999 , ADD COLUMN never INT */'),
    one('ALTER TABLE t ADD COLUMN e3 INT FIRST /*M! , ADD COLUMN e4 INT FIRST */ /*!80000 , ADD COLUMN e5 INT FIRST */'),
    one('/* of no account: DROP TABLE t */ ALTER TABLE t -- ADD COLUMN\n ADD COLUMN e6 INT AFTER id # ; DROP TABLE t'),
    ...(maria ? [
      one('/*M! ALTER TABLE t ADD COLUMN m1 INT FIRST */'),
      one('ALTER TABLE t ADD COLUMN m2 INT /*M!100100 FIRST */ /*!100100 , ADD COLUMN m3 INT FIRST */'),
      one('SET STATEMENT lock_wait_timeout = 50 FOR ALTER TABLE t ADD COLUMN s1 INT FIRST'),
      one("SET STATEMENT sql_mode = '', max_statement_time = (SELECT 100) FOR ALTER TABLE t ADD COLUMN s2 DATE NOT NULL DEFAULT '0000-00-00' AFTER id"),
      one('SET STATEMENT default_storage_engine = MyISAM FOR CREATE TABLE s3 (id INT PRIMARY KEY)'),
      one('SET STATEMENT lock_wait_timeout = 50 FOR RENAME TABLE t TO t3, t3 TO t'),
      one('/*M! SET STATEMENT lock_wait_timeout = 50 FOR DROP TABLE doomed2 */'),
    ] : []),

    // "..": a name in one session, text in another.
    { first: [ANSI], sql: `ALTER TABLE "t" ADD COLUMN "q""1" VARCHAR(10) DEFAULT 'a"b' COMMENT 'c"' FIRST`, effect: 'one' },
    { first: [ANSI], sql: `CREATE INDEX "by ""v" ON "${schema}"."t" ("v", "q""1")`, effect: 'one' },
    { first: [ANSI], sql: 'ALTER TABLE "t" CHANGE "v" "v 2" VARCHAR(30) NULL FIRST', effect: 'one' },
    { first: [ANSI], sql: `CREATE TABLE "made_1" ("id" INT PRIMARY KEY, "v" VARCHAR(3) DEFAULT 'x')`, effect: 'one' },
    one('ALTER TABLE t ADD COLUMN q2 VARCHAR(10) DEFAULT "a`b" COMMENT "it\'s" AFTER id'),

    // From a database with another table of that name.
    { sql: `ALTER TABLE ${qualified} ADD COLUMN o1 INT FIRST, ADD INDEX (o1)`, from: 'other', effect: 'one' },
    { sql: 'ALTER TABLE t ADD COLUMN noise INT', from: 'other', effect: 'none' },
    { sql: 'ALTER TABLE t DROP COLUMN noise', from: 'other', effect: 'none' },
    { sql: `CREATE TABLE \`${schema}\`.o2 LIKE ${qualified}`, from: 'other', effect: 'one' },
    { sql: `RENAME TABLE ${qualified} TO \`${schema}\`.o3, \`${schema}\`.o3 TO ${qualified}`, from: 'other', effect: 'one' },

    // Without effect.
    none('DROP TABLE IF EXISTS missing'),
    none('CREATE TABLE IF NOT EXISTS t (other DATE)'),
    none(`CREATE DATABASE IF NOT EXISTS \`${schema}\``),
    none('DROP VIEW IF EXISTS missing'),
    ...(maria ? [
      none('ALTER TABLE t ADD COLUMN IF NOT EXISTS n DATE FIRST'),
      none('ALTER TABLE t DROP COLUMN IF EXISTS missing'),
      none('ALTER TABLE IF EXISTS missing ADD COLUMN x INT'),
      none('CREATE INDEX IF NOT EXISTS `PRIMARY` ON t (id)'),
      none('DROP INDEX IF EXISTS missing ON t'),
      none('RENAME TABLE IF EXISTS missing TO missing2'),
      one('RENAME TABLE IF EXISTS missing TO missing2, t TO t4, missing3 TO t, t4 TO t'),
      one('ALTER TABLE IF EXISTS t ADD COLUMN IF NOT EXISTS n DATE FIRST, ADD COLUMN IF NOT EXISTS i1 INT FIRST'),
    ] : []),
    one('DROP TABLE IF EXISTS missing, doomed'),
    one("CREATE TABLE IF NOT EXISTS doomed (id INT PRIMARY KEY, w VARCHAR(3) DEFAULT 'w')"),

    // Refused by the server.
    fails('ALTER TABLE t ADD COLUMN n INT'),
    fails('ALTER TABLE t ADD COLUMN x INT FIRST, ADD UNIQUE KEY (n)'),
    fails('CREATE TABLE t (id INT)'),
    fails('RENAME TABLE t TO gone, missing TO gone2'),
    fails('CREATE TABLE twice (id INT PRIMARY KEY) SELECT 1 AS id UNION ALL SELECT 1'),

    // Tables of one session, that hide others.
    { first: ['CREATE TEMPORARY TABLE t (other VARCHAR(5) PRIMARY KEY)', "INSERT INTO t VALUES ('x')"], sql: 'ALTER TABLE t ADD COLUMN zz INT FIRST', effect: 'none' },
    { first: ['CREATE TEMPORARY TABLE t (other VARCHAR(5) PRIMARY KEY)'], sql: 'TRUNCATE TABLE t', effect: 'none' },
    { first: ['CREATE TEMPORARY TABLE t (other VARCHAR(5) PRIMARY KEY)'], sql: 'DROP TABLE t', effect: 'none' },
    { first: ['CREATE TEMPORARY TABLE t (other VARCHAR(5) PRIMARY KEY)'], sql: 'CREATE INDEX x ON t (other)', effect: 'none' },
    { first: ["CREATE TEMPORARY TABLE t (other VARCHAR(5) PRIMARY KEY DEFAULT 'y')"], sql: 'CREATE TABLE like_t LIKE t', effect: 'one' },
    { first: ['CREATE TEMPORARY TABLE passing (other DATE)'], sql: 'DROP TABLE passing, doomed', effect: 'one' },
  ];
}
