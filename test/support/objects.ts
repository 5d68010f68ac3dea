import type { Connection } from 'mysql2/promise';
import { quoteName, quoteTable } from '../../src/core/identifiers.ts';
import { query } from './any-server.ts';

/** One of each kind, and three triggers of which the order matters; for a schema that is the default. */
export function allObjects(flavour: 'mysql' | 'mariadb'): string[] {
  return [
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES', collation_connection = utf8mb4_unicode_ci",
    'CREATE TABLE warm (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB',
    'CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB',
    'CREATE TRIGGER t1 BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 1',
    'CREATE TRIGGER t3 BEFORE INSERT ON t FOR EACH ROW SET NEW.v = NEW.v * 10',
    "CREATE TRIGGER t2 BEFORE INSERT ON t FOR EACH ROW FOLLOWS t1 BEGIN SET NEW.v = NEW.v + 1; SET @seen = 'a;b'; END",
    'CREATE TRIGGER u1 AFTER UPDATE ON t FOR EACH ROW SET @updated = 1',
    "CREATE VIEW v AS SELECT *, 'it''s; ä' AS text FROM t WHERE id > 0 WITH CHECK OPTION",
    "CREATE PROCEDURE p(IN a INT, OUT b INT) COMMENT 'counts; really' MODIFIES SQL DATA BEGIN DECLARE x INT DEFAULT 0; SET x = a; SELECT 'b`' INTO @s; SET b = x; END",
    "CREATE FUNCTION f(a VARCHAR(10)) RETURNS VARCHAR(20) CHARSET latin1 DETERMINISTIC RETURN CONCAT(a, 'x')",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE DO BEGIN SELECT 1; SELECT 2; END",
    ...(flavour === 'mariadb' ? ['CREATE SEQUENCE s START WITH 5 INCREMENT BY 3 CACHE 10'] : []),
  ];
}

/** Without when a trigger was made, and what only tells when. */
const TIMES = new Set(['Created']);

async function shown(db: Connection, what: string, name: string): Promise<string> {
  const [found] = await query(db, `SHOW CREATE ${what} ${name}`).catch(() => []);
  return JSON.stringify(Object.entries(found ?? {}).filter(([column]) => !TIMES.has(column)));
}

/** What SHOW CREATE prints of everything in a schema, the order of triggers with it. */
export async function shownObjects(db: Connection, schema: string): Promise<Record<string, string>> {
  const found: Record<string, string> = { database: await shown(db, 'DATABASE', quoteName(schema)) };
  const lists: [string, string][] = [
    ['TABLE', "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_type <> 'VIEW'"],
    ['VIEW', 'SELECT table_name AS name FROM information_schema.views WHERE table_schema = ?'],
    ['PROCEDURE', "SELECT routine_name AS name FROM information_schema.routines WHERE routine_schema = ? AND routine_type = 'PROCEDURE'"],
    ['FUNCTION', "SELECT routine_name AS name FROM information_schema.routines WHERE routine_schema = ? AND routine_type = 'FUNCTION'"],
    ['EVENT', 'SELECT event_name AS name FROM information_schema.events WHERE event_schema = ?'],
    ['TRIGGER', 'SELECT trigger_name AS name FROM information_schema.triggers WHERE trigger_schema = ?'],
    ['SEQUENCE', "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'SEQUENCE'"],
  ];
  for (const [what, sql] of lists) {
    for (const { name } of await query(db, sql, [schema])) {
      const text = await shown(db, what, quoteTable(schema, String(name)));
      // MariaDB keeps a trigger's text as it was typed, with the schema where it was named.
      found[`${what} ${String(name)}`] = (what === 'TRIGGER' ? text.replaceAll(`${quoteName(schema)}.`, '').replace(/`(\w+)`/g, '$1') : text).replace(/ AUTO_INCREMENT=\d+/, '');
    }
  }
  found.order = JSON.stringify(await query(db, `SELECT trigger_name AS name, action_timing AS timing, event_manipulation AS manipulation, event_object_table AS tab FROM information_schema.triggers
    WHERE trigger_schema = ? ORDER BY event_object_table, action_timing, event_manipulation, action_order`, [schema]));
  return found;
}
