import { quoteTable } from '../../core/identifiers.ts';
import { ROLLBACK_SQL_MODE } from '../../rollback/session.ts';
import { readOnlyVariable, stopUnless } from '../guards.ts';
import type { Plan } from '../plan.ts';
import type { TableName } from '../selection.ts';

/*
 * A section over rows that nothing can roll back, in plain SQL (measured on MySQL 9.7, MariaDB 11.8 and 10.11 with the stock clients, also with
 * --force): under LOCK TABLES .. WRITE it counts what is as it should be, and opens the session for changes only when that is everything. LOCK TABLES
 * itself fails in a read-only session. Each statement has to undo its row, or the session closes for all that follow.
 */

/**
 * Locks the tables; nobody else reads or writes them until the section ends. No others: MySQL with GTIDs refuses to lock tables that roll back
 * together with such that do not.
 */
export function lockTables(part: number, tables: readonly TableName[]): string[] {
  return [
    '-- rows of tables that cannot roll back: looked at under a lock, all of them before the first is changed',
    `SET SESSION sql_mode='${ROLLBACK_SQL_MODE}', foreign_key_checks=1, autocommit=1;`,
    `LOCK TABLES ${tables.map(({ schema, table }) => `${quoteTable(schema, table)} WRITE`).join(', ')};`,
    'SET @ok=(@ok AND @@error_count=0), @d=0;',
    ...stopUnless('@ok', `part ${part}: its tables are not locked, stopped`),
  ];
}

/** Opens the session when all looks found what they looked for. */
export function openWhenAllFound(plan: Plan, part: number, looks: number): string[] {
  return [
    `SET @ok=(@ok AND @d=${looks});`,
    `SET @s=IF(@ok,'DO 0',CONCAT('SELECT \`binlog-undo: part ${part}: ',${looks}-@d,' rows or keys differ, stopped\`'));`,
    'PREPARE p FROM @s;',
    'EXECUTE p;',
    `SET SESSION ${readOnlyVariable(plan.range.source.flavour)}=IF(@ok,0,1);`,
    'SET @n=0;',
  ];
}

/** Behind a statement; both values are those before the SET. @param rows that are undone when it was right. */
export function countOrClose(flavour: 'mysql' | 'mariadb', rows: number): string {
  return `SET @n=@n+ROW_COUNT(), SESSION ${readOnlyVariable(flavour)}=IF(@n+ROW_COUNT()=${rows},0,1);\n`;
}

export function unlockTables(plan: Plan, part: number, rows: number): string[] {
  return [
    `SET @ok=(@ok AND @n=${rows});`,
    'UNLOCK TABLES;',
    ...stopUnless('@ok', `part ${part}: not all rows were undone, stopped`),
    `SELECT IF(@ok,'binlog-undo: part ${part} done, ${rows} rows undone','binlog-undo: part ${part} is not done') AS result;`,
    `SET SESSION autocommit=0, ${readOnlyVariable(plan.range.source.flavour)}=IF(@ok,0,1);`,
  ];
}
