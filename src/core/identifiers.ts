/** A backquoted SQL identifier, right under every sql_mode. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A backquoted, schema-qualified table name. */
export function quoteTable(schema: string, table: string): string {
  return `${quoteName(schema)}.${quoteName(table)}`;
}

/**
 * A string literal without backslashes, right under every sql_mode: plain text between quotes, else the UTF-8 bytes in hex.
 */
export function quoteText(text: string): string {
  // Control bytes are rewritten or refused by the stock clients, a backslash means two things by sql_mode.
  // eslint-disable-next-line no-control-regex -- control bytes are what it looks for.
  if (!/[\u0000-\u001f\\\u007f]/.test(text)) return `'${text.replaceAll("'", "''")}'`;
  return `_utf8mb4 X'${Buffer.from(text, 'utf8').toString('hex').toUpperCase()}'`;
}
