import { quoteTable } from '../../core/identifiers.ts';
import { commentLines, commentText } from '../comment.ts';
import { readOnlyVariable, stopUnless } from '../guards.ts';
import type { Plan } from '../plan.ts';
import { contentsOf, databaseIsThere, isAsExpected, rowsWhere } from './checks.ts';
import { inItsSession } from './object-session.ts';
import { destroyedBy } from './overwritten.ts';
import type { UndoneDdl } from './plan-ddl.ts';
import { describeDdl } from './records.ts';

/** Strict, so that a definition that rows of now do not fit is refused and cuts none of their values. */
const DDL_SQL_MODE = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION';

/**
 * The part of a script that undoes one DDL, which nothing can roll back: so it looks first whether everything is as the DDL left it,
 * and afterwards whether it is as it was before. Whatever does not hold closes this part and all that follow, also to a client that
 * goes on after errors.
 */
export function ddlSection(plan: Plan, ddl: UndoneDdl, part: number): string {
  const { flavour } = plan.range.source;
  const { statements, loss, operation, around, read } = ddl;
  const database = read.statement.object === 'DATABASE';
  const destroyed = plan.options.guard === 'none' ? null : destroyedBy(ddl, flavour);
  const before = database ? [databaseIsThere(operation.schema, true)] : around.after.map(isAsExpected);
  const after = database ? [databaseIsThere(operation.schema, false)] : around.before.map(isAsExpected);
  const readOnly = `SET SESSION ${readOnlyVariable(flavour)}`;
  const drops = database ? contentsOf(operation.schema) : destroyed && rowsWhere(destroyed, destroyed.condition);
  return [
    commentLines([
      commentText(`undoes ${describeDdl(ddl)}, ${operation.opid}`, 300), ...(loss === null ? [] : [commentText(`not brought back: ${loss}`, 300)]),
    ]).trimEnd(),
    `SET SESSION sql_mode='${DDL_SQL_MODE}', foreign_key_checks=${operation.type.startsWith('DROP') ? 0 : 1};`,
    // Nobody writes between the look and the drop.
    ...(destroyed ? [`LOCK TABLES ${quoteTable(destroyed.schema, destroyed.table)} WRITE;`] : []),
    ...before.flatMap((condition) => [`SET @d=${condition};`, 'SET @ok=(@ok AND @d);']),
    ...stopUnless('@ok', `part ${part}: not as it was left, stopped`),
    ...(drops === null ? [] : [
      'SET @d=NULL;', `SET @d=${drops};`, 'SET @ok=(@ok AND @d=0);',
      `SET @s=IF(@ok,'DO 0',CONCAT('SELECT \`binlog-undo: part ${part}: ',IFNULL(@d,'?'),' ${database ? 'objects in it' : 'rows hold later data'}, stopped\`'));`,
      'PREPARE p FROM @s;', 'EXECUTE p;',
    ]),
    `${readOnly}=IF(IFNULL(@ok,0),0,1);`,
    ...statements.map((statement) => inItsSession(marked(statement.sql, plan.id), statement, DDL_SQL_MODE)),
    ...(destroyed ? ['UNLOCK TABLES;'] : []),
    ...after.flatMap((condition) => [`SET @d=${condition};`, 'SET @ok=(@ok AND @d);']),
    ...stopUnless('@ok', `part ${part}: not as before the DDL, stopped`),
    `SELECT IF(@ok,'binlog-undo: part ${part} done','binlog-undo: part ${part} is not done') AS result;`,
    `${readOnly}=IF(IFNULL(@ok,0),0,1);`,
    '',
  ].join('\n');
}

/** With the script's mark behind the verb, so that the log knows who did it. */
function marked(sql: string, id: string): string {
  return sql.replace(/^[A-Z]+/, (verb) => `${verb} /*!999999 binlog-undo:${id} */`);
}
