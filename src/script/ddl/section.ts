import { quoteTable } from '../../core/identifiers.ts';
import { commentLines, commentText } from '../comment.ts';
import { readOnlyVariable, stopUnless } from '../guards.ts';
import type { Plan } from '../plan.ts';
import { formatTable } from '../selection.ts';
import { contentsOf, isAsExpected, objectIsAsExpected, rowsWhere } from './checks.ts';
import type { Expectation } from './expectations.ts';
import type { ObjectExpectation } from './object-expectations.ts';
import { inItsSession } from './object-session.ts';
import { destroyedBy } from './overwritten.ts';
import { describeDdl } from './records.ts';
import type { UndoneDdl, UndoStep } from './undone.ts';

/** Strict, so that a definition that rows of now do not fit is refused and cuts none of their values. */
const DDL_SQL_MODE = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION';

/**
 * The part of a script that undoes one DDL, or one step of that, which nothing can roll back: so it looks first whether everything is as the DDL
 * left it, and afterwards whether it is as it was before. Whatever does not hold closes this part and all that follow, also to a client that
 * goes on after errors.
 */
export function ddlSection(plan: Plan, ddl: UndoneDdl, step: UndoStep, part: number): string {
  const { statements, objects } = step;
  const { flavour } = plan.range.source;
  const { loss, operation, around, read } = ddl;
  const created = read.statement.object === 'DATABASE' && read.statement.verb === 'CREATE' ? operation.schema : null;
  const destroyed = plan.options.guard === 'none' ? null : destroyedBy(ddl, flavour);
  const found = (tables: readonly Expectation[], others: readonly ObjectExpectation[]): string[] =>
    [...tables.map(isAsExpected), ...others.flatMap((one) => objectIsAsExpected(one, flavour))].flatMap((condition) => ['SET @d=NULL;', `SET @d=${condition};`, 'SET @ok=(@ok AND IFNULL(@d,0));']);
  const readOnly = `SET SESSION ${readOnlyVariable(flavour)}`;
  const drops = created === null ? destroyed && rowsWhere(destroyed, destroyed.condition) : contentsOf(created);
  return [
    commentLines([
      commentText(`undoes ${describeDdl(ddl)}, ${operation.opid}`, 300), ...(loss === null || step !== ddl.steps[0] ? [] : [commentText(`not brought back: ${loss}`, 300)]),
      ...objects.after.filter(({ there, print, kind }) => there && print === null && kind !== 'DATABASE').map(({ kind, schema, name }) =>
        commentText(`only looked for, not compared: ${kind.toLowerCase()} ${formatTable({ schema, table: name })}`, 300)),
    ]).trimEnd(),
    `SET SESSION sql_mode='${DDL_SQL_MODE}', foreign_key_checks=${operation.type.startsWith('DROP') ? 0 : 1};`,
    // Nobody writes between the look and the drop.
    ...(destroyed ? [`LOCK TABLES ${quoteTable(destroyed.schema, destroyed.table)} WRITE;`] : []),
    ...found(around.after, objects.after),
    ...stopUnless('@ok', `part ${part}: not as it was left, stopped`),
    ...(drops === null ? [] : [
      'SET @d=NULL;', `SET @d=${drops};`, 'SET @ok=(@ok AND @d=0);',
      `SET @s=IF(@ok,'DO 0',CONCAT('SELECT \`binlog-undo: part ${part}: ',IFNULL(@d,'?'),' ${created === null ? 'rows hold later data' : 'objects in it'}, stopped\`'));`,
      'PREPARE p FROM @s;', 'EXECUTE p;',
    ]),
    `${readOnly}=IF(IFNULL(@ok,0),0,1);`,
    ...statements.map((statement) => inItsSession(marked(statement.sql, plan.id), statement, DDL_SQL_MODE)),
    ...(destroyed ? ['UNLOCK TABLES;'] : []),
    ...found(around.before, objects.before),
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
