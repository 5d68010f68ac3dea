import type { Connection } from 'mysql2/promise';
import { quoteName } from '../../core/identifiers.ts';
import { rows, scalar } from '../../core/mysql.ts';

/** The privileges of one account, its active roles included, as SHOW GRANTS lists them. */
export interface Grants {
  /** `'user'@'host'`, quoted for use in a GRANT. */
  readonly account: string;
  /** True when the privilege holds for every table of the schema. */
  onSchema(privilege: string, schema: string): boolean;
  /** True when the privilege holds for `*.*`. */
  everywhere(privilege: string): boolean;
  /** True when the privilege holds for at least one schema or table. */
  anywhere(privilege: string): boolean;
}

interface Entry {
  readonly privileges: ReadonlySet<string>;
  /** `*`, or a schema pattern with LIKE's wildcards. */
  readonly schema: string;
  /** `*`, or one table. */
  readonly table: string;
}

/** Two names for one privilege: MariaDB prints the second of each. */
const SYNONYMS = new Map([['REPLICATION CLIENT', 'BINLOG MONITOR'], ['REPLICA MONITOR', 'SLAVE MONITOR']]);

const NAME = '(?:`((?:[^`]|``)*)`|([^`.\\s]+))';
const LINE = new RegExp(`^(GRANT|REVOKE) (.+?) ON (?:TABLE )?${NAME}\\.${NAME} (?:TO|FROM) `);

function parse(line: string): { entry: Entry; revoke: boolean } | null {
  const [, verb, list = '', quotedSchema, plainSchema, quotedTable, plainTable] = LINE.exec(line) ?? [];
  if (verb === undefined) return null;
  const privileges = list.split(/,(?![^(]*\))/)
    .map((privilege) => privilege.trim().toUpperCase())
    // A privilege on single columns is not the privilege on the table.
    .filter((privilege) => !privilege.includes('('));
  return {
    revoke: verb === 'REVOKE',
    entry: {
      privileges: new Set(privileges.flatMap((privilege) => [privilege, SYNONYMS.get(privilege) ?? privilege])),
      schema: plainSchema ?? quotedSchema!.replaceAll('``', '`'),
      table: plainTable ?? quotedTable!.replaceAll('``', '`'),
    },
  };
}

/** A grant's schema pattern against a name: `%` and `_` are wildcards unless a backslash stands before them. */
function covers(pattern: string, schema: string): boolean {
  const source = pattern.replace(/\\?[\s\S]/gu, (part) => {
    if (part === '%') return '[\\s\\S]*';
    if (part === '_') return '[\\s\\S]';
    return (part.length > 1 && part.startsWith('\\') ? part.slice(1) : part).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return pattern === '*' || new RegExp(`^${source}$`, 'iu').test(schema);
}

/** Understands the lines of SHOW GRANTS of MySQL and MariaDB, partial revokes included. */
export function parseGrants(lines: readonly string[], account: string): Grants {
  const parsed = lines.map(parse).filter((line) => line !== null);
  const granted = parsed.filter((line) => !line.revoke).map((line) => line.entry);
  const revoked = parsed.filter((line) => line.revoke).map((line) => line.entry);
  const has = (entry: Entry, privilege: string): boolean =>
    entry.privileges.has(SYNONYMS.get(privilege) ?? privilege) || entry.privileges.has('ALL PRIVILEGES') || entry.privileges.has('ALL');
  return {
    account,
    everywhere: (privilege) => granted.some((entry) => entry.schema === '*' && has(entry, privilege)),
    onSchema: (privilege, schema) =>
      granted.some((entry) => entry.table === '*' && covers(entry.schema, schema) && has(entry, privilege)
        // MySQL's partial revokes take single schemas out of a grant on *.*.
        && !(entry.schema === '*' && revoked.some((taken) => taken.schema === schema && has(taken, privilege)))),
    anywhere: (privilege) => granted.some((entry) => has(entry, privilege)),
  };
}

/** Reads the grants of the connected account; no privilege is needed for that. */
export async function readGrants(connection: Connection): Promise<Grants> {
  const account = await scalar<string>(connection, 'SELECT CURRENT_USER()') ?? '';
  const cut = account.lastIndexOf('@');
  const quoted = [account.slice(0, cut), account.slice(cut + 1)].map((part) => `'${part.replaceAll("'", "''")}'`).join('@');
  const lines = await rows<Record<string, string>>(connection, 'SHOW GRANTS');
  return parseGrants(lines.map((line) => Object.values(line)[0] ?? ''), quoted);
}

/** A schema name as GRANT takes it: `_` and `%` would be wildcards. */
export function grantPattern(schema: string): string {
  return quoteName(schema.replace(/[\\_%]/g, '\\$&'));
}
