import { quoteName } from '../../src/core/identifiers.ts';

export interface ColumnType {
  readonly name: string;
  readonly dataType: string;
}

/** An expression whose text differs whenever the stored bytes of a column differ. */
export function exactText({ name, dataType }: ColumnType, flavour: 'mysql' | 'mariadb'): string {
  const quoted = quoteName(name);
  switch (dataType) {
    case 'json': return flavour === 'mysql' ? exactJson(quoted) : `HEX(${quoted})`;
    case 'enum': case 'set': case 'bit': return `CONCAT(CAST(${quoted} AS UNSIGNED), '')`;
    case 'timestamp': return `CONCAT(UNIX_TIMESTAMP(${quoted}), '')`;
    // A FLOAT's own text has six digits; as a double it has all, and * keeps the sign of a zero.
    case 'float': return `CONCAT(${quoted} * 1e0, '')`;
    default:
      // HEX of a number rounds it; the text of the number does not.
      return /int$|double|decimal|year|date|time|uuid|inet/.test(dataType) ? `CONCAT(${quoted}, '')` : `HEX(${quoted})`;
  }
}

/**
 * Text, size (without what a partial update left free inside) and the type of each value inside: they tell apart what prints alike, such as 1 as a
 * signed and an unsigned integer.
 */
function exactJson(quoted: string): string {
  const types = `(SELECT JSON_ARRAYAGG(JSON_TYPE(\`j v\`)) FROM JSON_TABLE(${quoted}, '$**[0]' COLUMNS (\`j v\` JSON PATH '$')) \`j t\`)`;
  return `CONCAT(HEX(CAST(${quoted} AS CHAR)), JSON_STORAGE_SIZE(${quoted}) - JSON_STORAGE_FREE(${quoted}), IFNULL(HEX(CAST(${types} AS CHAR)), ''))`;
}
