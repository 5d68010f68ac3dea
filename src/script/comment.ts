/**
 * Text of any origin made fit to stand behind `-- ` on one line: no control characters, no line or paragraph separators,
 * no invisible or direction-changing characters, no backslash (clients read commands from it), no comment delimiters.
 * @param limit characters kept; what is cut is marked with `...`.
 */
export function commentText(text: string, limit = 200): string {
  const flat = text.slice(0, limit * 4).replace(/[\p{C}\p{Z}\\]+/gu, ' ').replaceAll('*/', '* /').replaceAll('/*', '/ *').trim();
  return flat.length <= limit ? flat : `${flat.slice(0, limit).replace(/[\ud800-\udbff]$/, '')}...`;
}

/** One or more comment lines, each ending with a line end. */
export function commentLines(lines: readonly string[]): string {
  return lines.map((line) => `${line === '' ? '--' : `-- ${line}`}\n`).join('');
}
