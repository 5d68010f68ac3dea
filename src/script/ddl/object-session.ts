import type { UndoStatement } from '../../rollback/ddl/verdict.ts';

/** Not met in any text: the clients look for it outside quotes and comments only. */
const DELIMITER = '$binlog-undo$';
const ASCII = /^[\0-\x7f]*$/;

/**
 * A statement whose text holds others, in the session that the server is to keep with what it makes. The script's own session follows.
 * @param sql the statement with its semicolon. @param own the sql_mode to go on with.
 */
export function inItsSession(sql: string, { session }: Pick<UndoStatement, 'session'>, own: string): string {
  if (session === null) return sql;
  const { sqlMode, client, connection, timeZone } = session;
  // The bytes of this script are UTF-8: text beyond ASCII means what it meant in that character set alone.
  const charset = client !== null && (ASCII.test(sql) || client.startsWith('utf8')) ? client : null;
  const settings = [
    ...(sqlMode === null ? [] : [`sql_mode=${sqlMode}`]), ...(timeZone === null ? [] : [`time_zone='${timeZone}'`]),
    ...(connection === '' ? [] : [`collation_connection=${connection}`]), ...(charset === null ? [] : [`character_set_client=${charset}`]),
  ];
  return [
    `SET SESSION ${settings.join(', ')};`, `DELIMITER ${DELIMITER}`, sql.replace(/;$/, ''), DELIMITER, 'DELIMITER ;',
    'SET NAMES utf8mb4;', `SET SESSION time_zone='+00:00', sql_mode='${own}';`,
  ].join('\n');
}
