import { quoteTable, quoteText } from '../../core/identifiers.ts';
import type { ObjectKind } from './object.ts';

/** A kind as the server's catalogue knows it; there each trigger stands by itself. */
export type CatalogKind = Exclude<ObjectKind, 'TRIGGERS'> | 'TRIGGER';

export interface CatalogName {
  readonly schema: string;
  readonly kind: CatalogKind;
  /** Empty for a database. */
  readonly name: string;
}

interface Catalog {
  readonly view: string;
  readonly schema: string;
  readonly name: string;
  /** A further condition. */
  readonly only: string | null;
  /** The text, which is empty for accounts that may not see it; null: there is none. */
  readonly body: string | null;
  /** What else the definition says, and the session that the server keeps with it. */
  readonly facts: readonly string[];
}

const SESSION = ['character_set_client', 'collation_connection'] as const;

function routines(kind: 'PROCEDURE' | 'FUNCTION'): Catalog {
  return {
    view: 'routines', schema: 'routine_schema', name: 'routine_name', only: `routine_type='${kind}'`, body: 'routine_definition',
    facts: ['dtd_identifier', 'is_deterministic', 'sql_data_access', 'security_type', 'sql_mode', 'routine_comment', 'definer', ...SESSION],
  };
}

const CATALOG: Readonly<Record<Exclude<CatalogKind, 'SEQUENCE' | 'DATABASE'>, Catalog>> = {
  VIEW: { view: 'views', schema: 'table_schema', name: 'table_name', only: null, body: 'view_definition', facts: ['check_option', 'definer', 'security_type', ...SESSION] },
  PROCEDURE: routines('PROCEDURE'),
  FUNCTION: routines('FUNCTION'),
  TRIGGER: {
    view: 'triggers', schema: 'trigger_schema', name: 'trigger_name', only: null, body: 'action_statement',
    facts: ['event_manipulation', 'event_object_table', 'action_timing', 'sql_mode', 'definer', ...SESSION],
  },
  EVENT: {
    view: 'events', schema: 'event_schema', name: 'event_name', only: null, body: 'event_definition',
    facts: ['event_type', 'execute_at', 'interval_value', 'interval_field', 'starts', 'ends', 'status', 'on_completion', 'event_comment', 'sql_mode', 'time_zone', 'definer', ...SESSION],
  },
};
const OPTIONS = { mysql: 'default_encryption', mariadb: 'schema_comment' } as const;
/** What ALTER SEQUENCE can change; how far it has counted stands beside it. */
const SEQUENCE = ['start_value', 'minimum_value', 'maximum_value', 'increment', 'cache_size', 'cycle_option'] as const;

function catalogOf(kind: Exclude<CatalogKind, 'SEQUENCE'>, flavour: 'mysql' | 'mariadb'): Catalog {
  if (kind !== 'DATABASE') return CATALOG[kind];
  return { view: 'schemata', schema: 'schema_name', name: 'schema_name', only: null, body: null, facts: ['default_character_set_name', 'default_collation_name', OPTIONS[flavour]] };
}

// As bytes, so that neither collations nor the session have a say.
const bytes = (column: string): string => `CAST(CONVERT(IFNULL(${column},'') USING utf8mb4) AS BINARY)`;
const hash = (columns: readonly string[]): string => `SHA2(CONCAT_WS('|',${columns.map(bytes).join(',')}),256)`;

function where({ schema, kind, name }: CatalogName, { schema: inSchema, name: called, only }: Catalog): string {
  return [`${inSchema}=${quoteText(schema)}`, ...(kind === 'DATABASE' ? [] : [`${called}=${quoteText(name)}`]), ...(only === null ? [] : [only])].join(' AND ');
}

/** Over the columns of the kind's view in information_schema; NULL where the account may not see the text. */
export function printColumn(kind: Exclude<CatalogKind, 'SEQUENCE'>, flavour: 'mysql' | 'mariadb'): string {
  const { body, facts } = catalogOf(kind, flavour);
  return body === null ? hash(facts) : `IF(IFNULL(${body},'')='',NULL,${hash([body, ...facts])})`;
}

/**
 * A fingerprint of an object's definition, in hexadecimal, that the server computes from its catalogue: a stock client cannot look at what SHOW CREATE
 * prints. It says nothing of the parameters of a routine and of the order of triggers. NULL where there is no such object or its text may not be
 * seen; of a sequence that is not there it fails.
 */
export function printOf(of: CatalogName, flavour: 'mysql' | 'mariadb'): string {
  if (of.kind === 'SEQUENCE') return `(SELECT ${hash(SEQUENCE)} FROM ${quoteTable(of.schema, of.name)})`;
  const catalog = catalogOf(of.kind, flavour);
  return `(SELECT ${printColumn(of.kind, flavour)} FROM information_schema.${catalog.view} WHERE ${where(of, catalog)})`;
}

/** How many objects of a kind have a name, 0 or 1. */
export function countOf(of: CatalogName): string {
  if (of.kind === 'SEQUENCE') return `(SELECT COUNT(*) FROM information_schema.tables WHERE table_schema=${quoteText(of.schema)} AND table_name=${quoteText(of.name)} AND table_type='SEQUENCE')`;
  const catalog = catalogOf(of.kind, 'mysql');
  return `(SELECT COUNT(*) FROM information_schema.${catalog.view} WHERE ${where(of, catalog)})`;
}
