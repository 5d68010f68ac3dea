import convict from 'convict';
import { fileNumber, type Position } from '../core/position.ts';

/** Where a first start begins reading; used only while the ledger has no checkpoint for the source. */
export type StartPosition =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'position'; readonly position: Position }
  | { readonly kind: 'gtid'; readonly set: string };

const UUID = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
const MYSQL_GTID = new RegExp(`^${UUID}(?::[A-Za-z_][A-Za-z0-9_]*)?(?::\\d+(?:-\\d+)?)+(?::[A-Za-z_][A-Za-z0-9_]*(?::\\d+(?:-\\d+)?)+)*$`);
const MARIADB_GTID = /^\d{1,10}-\d{1,10}-\d{1,20}$/;

/** Reads `earliest`, `latest`, `file:offset` or a GTID set; null when it is none of them. */
export function parseStartPosition(text: string): StartPosition | null {
  const value = text.trim();
  if (value === 'earliest' || value === 'latest') return { kind: value };
  const members = value.split(',').map((member) => member.trim());
  if (members.every((member) => MYSQL_GTID.test(member)) || members.every((member) => MARIADB_GTID.test(member))) {
    return { kind: 'gtid', set: members.join(',') };
  }
  const [, file, offset] = /^(.+\.\d{6,}):(\d{1,15})$/.exec(value) ?? [];
  if (file === undefined || offset === undefined || fileNumber(file) < 1) return null;
  return { kind: 'position', position: { file, offset: Number(offset) } };
}

/** Reads `schema.table`, where parts that hold a dot go in backquotes; gives it back without quotes. Null when it is not that. */
export function parseTableName(text: string): string | null {
  const [, quotedSchema, plainSchema, quotedTable, plainTable] = /^(?:`((?:[^`]|``)+)`|([^`.]+))\.(?:`((?:[^`]|``)+)`|([^`.]+))$/.exec(text.trim()) ?? [];
  const schema = plainSchema ?? quotedSchema?.replaceAll('``', '`');
  const table = plainTable ?? quotedTable?.replaceAll('``', '`');
  return schema === undefined || table === undefined ? null : `${schema}.${table}`;
}

/** One override of the retention: `database=30` or `database.table=1`, with backquotes around a part that holds a dot. */
export interface RetentionOverride {
  readonly schema: string;
  /** Empty: every table of the schema. */
  readonly table: string;
  readonly days: number;
}

const RETENTION = /^(?:`((?:[^`]|``)+)`|([^`.]+))(?:\.(?:`((?:[^`]|``)+)`|([^`.]+)))?=(\d{1,5})$/;

export function parseRetention(text: string): RetentionOverride | null {
  const match = RETENTION.exec(text.trim());
  if (!match) return null;
  const [, quotedSchema, plainSchema, quotedTable, plainTable, days] = match;
  return { schema: plainSchema ?? quotedSchema!.replaceAll('``', '`'), table: plainTable ?? quotedTable?.replaceAll('``', '`') ?? '', days: Number(days) };
}

/** One rule of `kafka.mask`: names in which `*` stands for anything. */
export interface ColumnMask {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly kind: 'null' | 'hash';
}

const MASK_NAME = '(?:`((?:[^`]|``)+)`|([^`.=]+))';
const MASK = new RegExp(`^${MASK_NAME}\\.${MASK_NAME}\\.${MASK_NAME}=(null|hash)$`);

/** Reads `database.table.column=hash`; parts that hold a dot go in backquotes. */
export function parseMask(text: string): ColumnMask | null {
  const [, ...parts] = MASK.exec(text.trim()) ?? [];
  if (parts.length === 0) return null;
  const [schema, table, column] = [0, 2, 4].map((at) => parts[at + 1] ?? parts[at]!.replaceAll('``', '`')) as [string, string, string];
  return { schema, table, column, kind: parts[6] as ColumnMask['kind'] };
}

const UNITS = ['', 'K', 'M', 'G', 'T'];

/** Bytes of `500G` or `1000000`; null when it is neither. Units are powers of 1024. */
export function parseByteSize(text: string): number | null {
  const [, digits, unit = ''] = /^(\d{1,15})([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return null;
  const bytes = Number(digits) * 1024 ** UNITS.indexOf(unit.toUpperCase());
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

const wholeNumber = (value: unknown, low: number, high: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;

/** Text stays text when it is no number, so that validation can show it. */
const toNumber = (value: unknown): unknown => (typeof value === 'string' && /^\s*\d{1,15}\s*$/.test(value) ? Number(value) : value);

const toList = (value: unknown): unknown =>
  typeof value === 'string' ? value.split(',').map((item) => item.trim()).filter((item) => item !== '') : value;

const isList = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');

const toBoolean = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  if (/^(true|on|yes|1)$/i.test(value.trim())) return true;
  return /^(false|off|no|0)$/i.test(value.trim()) ? false : value;
};

/** Convict's own number and boolean formats read "12abc" as 12 and "flase" as true, so every format here is our own. */
export const FORMATS = {
  text: { validate: (value: unknown) => must(typeof value === 'string', 'must be text') },
  host: {
    validate: (value: unknown) => must(typeof value === 'string' && !/[\s/]/.test(value), 'must be a host name or an IP address'),
  },
  serverPort: { validate: (value: unknown) => must(wholeNumber(value, 1, 65_535), 'must be a port number from 1 to 65535'), coerce: toNumber },
  listenPort: { validate: (value: unknown) => must(wholeNumber(value, 0, 65_535), 'must be a port number up to 65535, or 0 for none'), coerce: toNumber },
  serverId: { validate: (value: unknown) => must(wholeNumber(value, 1, 4_294_967_295), 'must be a whole number from 1 to 4294967295'), coerce: toNumber },
  byteCount: { validate: (value: unknown) => must(wholeNumber(value, 64, 16_000_000), 'must be a number of bytes from 64 to 16000000'), coerce: toNumber },
  smallCount: { validate: (value: unknown) => must(wholeNumber(value, 1, 1000), 'must be a whole number from 1 to 1000'), coerce: toNumber },
  days: { validate: (value: unknown) => must(wholeNumber(value, 0, 36_500), 'must be a number of days from 0 to 36500'), coerce: toNumber },
  seconds: { validate: (value: unknown) => must(wholeNumber(value, 0, 604_800), 'must be a number of seconds from 0 to 604800'), coerce: toNumber },
  entries: { validate: (value: unknown) => must(wholeNumber(value, 0, 100_000_000), 'must be a number from 0 to 100000000'), coerce: toNumber },
  byteSize: {
    validate: (value: unknown) => must(value === '' || (typeof value === 'string' && parseByteSize(value) !== null), 'must be a number of bytes, which may end in K, M, G or T'),
    coerce: (value: unknown) => (typeof value === 'number' ? String(value) : value),
  },
  retentionList: {
    validate: (value: unknown) => must(isList(value) && value.every((item) => parseRetention(item) !== null), 'must be a list of database=DAYS or database.table=DAYS'),
    coerce: toList,
  },
  switch: { validate: (value: unknown) => must(typeof value === 'boolean', 'must be true or false'), coerce: toBoolean },
  alias: {
    validate: (value: unknown) =>
      must(typeof value === 'string' && /^(?:[A-Za-z0-9][A-Za-z0-9._:-]{0,63})?$/.test(value), 'must be up to 64 letters, digits, ".", "_", ":" or "-", starting with a letter or digit'),
  },
  databaseName: {
    validate: (value: unknown) => must(
      typeof value === 'string' && /^[^/\\.\0]{1,64}$/u.test(value) && !/\s$/.test(value) && !/^(mysql|sys|information_schema|performance_schema)$/i.test(value),
      'must be a database name of up to 64 characters, not a system schema, without "/", "\\" or "."',
    ),
  },
  databaseList: {
    validate: (value: unknown) => must(isList(value) && value.every((name) => name.length > 0 && name.length <= 64), 'must be a list of database names'),
    coerce: toList,
  },
  tableList: {
    validate: (value: unknown) => must(isList(value) && value.every((name) => parseTableName(name) !== null), 'must be a list of tables, each as database.table'),
    coerce: toList,
  },
  brokerList: {
    validate: (value: unknown) => must(isList(value) && value.every((broker) => /^(?:\[[0-9a-fA-F:]+\]|[^\s/:[\]]+):\d{1,5}$/.test(broker)), 'must be a list of brokers, each as host:port'),
    coerce: toList,
  },
  maskList: {
    validate: (value: unknown) => must(isList(value) && value.every((item) => parseMask(item) !== null), 'must be a list of database.table.column=null or database.table.column=hash'),
    coerce: toList,
  },
  topicPrefix: {
    validate: (value: unknown) => must(typeof value === 'string' && /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/.test(value), 'must be up to 100 letters, digits, ".", "_" or "-", not starting with a dot'),
  },
  startPosition: {
    validate: (value: unknown) =>
      must(typeof value === 'string' && parseStartPosition(value) !== null, 'must be "earliest", "latest", a position as file:offset (binlog.000012:4) or a GTID set'),
  },
} as const;

export type FormatName = keyof typeof FORMATS;

convict.addFormats(FORMATS);
