import { Tokenizer, type Token } from '../../binlog/sql/tokenizer.ts';
import { quoteTable } from '../../core/identifiers.ts';
import { createText } from '../../schema/made-again.ts';
import type { TableDefinition } from '../../schema/definition.ts';

/**
 * What SHOW CREATE TABLE printed, with the schema in front of the table's name and of those that its foreign keys refer to, so
 * that it means the same in every session; null for what is no table.
 */
export function createAgain({ schema, table, sql: printed }: TableDefinition, flavour: 'mysql' | 'mariadb', verb = 'CREATE TABLE'): string | null {
  if (!/^CREATE (?:TEMPORARY )?TABLE /.test(printed)) return null;
  const sql = createText(printed, flavour);
  const tokens: Token[] = [];
  const tokenizer = new Tokenizer(sql, { sqlMode: 0, flavour });
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) {
    if (token.kind === 'broken') return null;
    tokens.push(token);
  }
  const [create, object, name] = tokens;
  if (create?.keyword !== 'CREATE' || object?.keyword !== 'TABLE' || name?.kind !== 'name') return null;
  let text = `${verb} ${quoteTable(schema, table)}`;
  let from = name.end;
  for (const [i, token] of tokens.entries()) {
    const referred = tokens[i + 1];
    const dot = tokens[i + 2];
    if (token.keyword !== 'REFERENCES' || token.kind !== 'word' || referred?.kind !== 'name' || (dot?.kind === 'punct' && dot.text === '.')) continue;
    text += sql.slice(from, referred.start) + quoteTable(schema, referred.text);
    from = referred.end;
  }
  return text + sql.slice(from);
}
