import type { TableDefinition } from '../../schema/definition.ts';

/** Tells definitions apart whose keys are hashed differently: names, types and collations of columns, in order. 32 bits. */
export function shapeMark({ columns }: TableDefinition): number {
  let h = 0x811c9dc5;
  for (const { name, columnType, characterSet, collation } of columns) {
    for (const char of `${name.toLowerCase()}\0${columnType}\0${characterSet ?? ''}\0${collation ?? ''}\n`) h = Math.imul(h ^ char.codePointAt(0)!, 0x01000193);
  }
  return h >>> 0;
}
