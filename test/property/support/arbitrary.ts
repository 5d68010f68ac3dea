import fc, { type Arbitrary } from 'fast-check';
import { typeCases } from '../../rollback/support/type-cases.ts';
import { STEP_KINDS, type CaseSpec, type ColumnSpec, type Ending, type KeySpec, type StepSpec, type TableSpec, type TransactionSpec } from './case.ts';

/** What the server under test has. */
export interface ServerTraits {
  readonly flavour: 'mysql' | 'mariadb';
  readonly version: string;
  /** `[character set, collation]` */
  readonly collations: readonly (readonly [string, string])[];
}

interface TypedPool {
  readonly type: string;
  readonly pool: readonly string[];
}

const POOL = { minLength: 2, maxLength: 6 } as const;
const NAMES = ['', '', '', '', '', '', ' with blank', '`quoted`', '.dot', '\u00e9\u4e2d', '"', "'", 'select', '--', '$1', '\nx'] as const;
const SUFFIXES = ['', '', '', '', '', '', '', '_', ' b c', '`', '.', '\u00df', "'\"", '__________________________________________________', 'UPPER', '$_$'] as const;

const hex = (bytes: Uint8Array): string => `X'${Buffer.from(bytes).toString('hex')}'`;

function pooled(type: string, value: Arbitrary<string>): Arbitrary<TypedPool> {
  return fc.array(value, POOL).map((pool) => ({ type, pool }));
}

function integers(): Arbitrary<TypedPool> {
  const sizes = [['TINYINT', 8], ['SMALLINT', 16], ['MEDIUMINT', 24], ['INT', 32], ['BIGINT', 64]] as const;
  return fc.tuple(fc.constantFrom(...sizes), fc.boolean()).chain(([[name, bits], unsigned]) => {
    const half = 2n ** BigInt(bits - 1);
    const [min, max] = unsigned ? [0n, 2n * half - 1n] : [-half, half - 1n];
    return pooled(`${name}${unsigned ? ' UNSIGNED' : ''}`, fc.oneof(fc.bigInt(min, max), fc.constantFrom(min, max, 0n, 1n)).map(String));
  });
}

function decimals(): Arbitrary<TypedPool> {
  return fc.integer({ min: 1, max: 65 }).chain((precision) => fc.integer({ min: 0, max: Math.min(30, precision) }).chain((scale) => {
    const top = 10n ** BigInt(precision) - 1n;
    const text = fc.oneof(fc.bigInt(-top, top), fc.constantFrom(0n, 1n, -1n, top, -top)).map((value) => {
      const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
      return `${value < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${scale > 0 ? `.${digits.slice(digits.length - scale)}` : ''}`;
    });
    return pooled(`DECIMAL(${precision},${scale})`, text);
  }));
}

function floats(): Arbitrary<TypedPool> {
  const extreme = fc.constantFrom(0, -0, 1, 0.1, Number.MAX_VALUE, Number.MIN_VALUE, -Number.MIN_VALUE);
  return fc.oneof(
    pooled('DOUBLE', fc.oneof(extreme, fc.double({ noNaN: true, noDefaultInfinity: true })).map((value) => (Object.is(value, -0) ? '-0e0' : value.toExponential()))),
    pooled('FLOAT', fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? '-0e0' : value.toExponential()))),
  );
}

function texts(traits: ServerTraits): Arbitrary<TypedPool> {
  const shape = fc.constantFrom('CHAR', 'VARCHAR', 'VARCHAR', 'TEXT');
  return fc.tuple(shape, fc.integer({ min: 1, max: 60 }), fc.constantFrom(...traits.collations)).chain(([name, length, [charset, collation]]) => {
    const unicode = fc.string({ unit: fc.oneof(fc.constantFrom('a', 'A', ' ', '\u00e9', '\u00c9', '\u4e2d', '\u{1f600}', "'", '"', '\\', '%', '\0', '\n'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })), maxLength: 8 })
      .map((text) => `CONVERT(_utf8mb4 ${hex(Buffer.from(text))} USING ${charset})`);
    const raw = fc.uint8Array({ maxLength: 6 }).map(hex);
    const type = `${name === 'TEXT' ? 'TEXT' : `${name}(${length})`} CHARACTER SET ${charset} COLLATE ${collation}`;
    return pooled(type, fc.oneof({ weight: 3, arbitrary: unicode }, { weight: 1, arbitrary: raw }));
  });
}

function binaries(): Arbitrary<TypedPool> {
  const value = fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.constantFrom(new Uint8Array([0]), new Uint8Array([1, 0, 0]), new Uint8Array([0x20]))).map(hex);
  return fc.tuple(fc.constantFrom('BINARY', 'VARBINARY', 'BLOB'), fc.integer({ min: 1, max: 40 }))
    .chain(([name, length]) => pooled(name === 'BLOB' ? name : `${name}(${length})`, value));
}

function temporals(): Arbitrary<TypedPool> {
  const two = (max: number): Arbitrary<string> => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
  const date = fc.tuple(fc.constantFrom('0000', '0001', '1000', '1970', '2026', '2038', '9999'), two(12), two(31)).map((parts) => parts.join('-'));
  const fraction = fc.constantFrom('000000', '000001', '123456', '999999', '500000');
  const clock = fc.tuple(two(23), two(59), two(59)).map((parts) => parts.join(':'));
  return fc.integer({ min: 0, max: 6 }).chain((digits) => {
    const cut = (text: string): string => (digits === 0 ? '' : `.${text.slice(0, digits)}`);
    return fc.oneof(
      pooled('DATE', date.map((text) => `'${text}'`)),
      pooled(`DATETIME(${digits})`, fc.tuple(date, clock, fraction).map(([d, t, f]) => `'${d} ${t}${cut(f)}'`)),
      pooled(`TIMESTAMP(${digits}) NULL DEFAULT NULL`, fc.tuple(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fraction).map(([s, f]) => `FROM_UNIXTIME(${s}${cut(f)})`)),
      pooled(`TIME(${digits})`, fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 838 }), clock, fraction)
        .map(([negative, hours, t, f]) => `'${negative ? '-' : ''}${String(hours).padStart(2, '0')}${t.slice(2)}${cut(f)}'`)),
    );
  });
}

function members(): Arbitrary<TypedPool> {
  const label = fc.array(fc.constantFrom('a', 'B', '\u00e9', "''", ',', ' x', '1', '%'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('').trimEnd() || 'z');
  const labels = (max: number): Arbitrary<string[]> => fc.uniqueArray(label.filter((text) => text !== ''), { minLength: 1, maxLength: max, selector: (text) => text.toLowerCase() });
  return fc.oneof(
    labels(12).chain((list) => pooled(`ENUM(${list.map((text) => `'${text}'`).join(',')})`, fc.integer({ min: 0, max: list.length }).map(String))),
    labels(12).chain((list) => {
      const plain = list.map((text) => text.replaceAll(',', ';'));
      const unique = plain.filter((text, i) => plain.findIndex((other) => other.toLowerCase() === text.toLowerCase()) === i);
      return pooled(`SET(${unique.map((text) => `'${text}'`).join(',')})`, fc.integer({ min: 0, max: 2 ** unique.length - 1 }).map(String));
    }),
  );
}

function json(traits: ServerTraits): Arbitrary<TypedPool> {
  const text = fc.json({ maxDepth: 2 }).map((value) => `CONVERT(${hex(Buffer.from(value))} USING utf8mb4)`);
  return pooled('JSON', traits.flavour === 'mysql' ? text.map((value) => `CAST(${value} AS JSON)`) : text);
}

function columnTypes(traits: ServerTraits): Arbitrary<TypedPool> {
  const cases = Object.values(typeCases(traits.flavour, traits.version)).flat()
    .map(({ type, values }) => ({ type, values: values.filter((value) => !/REPEAT/.test(value)) })).filter(({ values }) => values.length > 0);
  const listed = fc.constantFrom(...cases).chain(({ type, values }) => pooled(type, fc.constantFrom(...values)));
  return fc.oneof(
    { weight: 6, arbitrary: listed }, { weight: 2, arbitrary: integers() }, { weight: 1, arbitrary: decimals() }, { weight: 1, arbitrary: floats() },
    { weight: 4, arbitrary: texts(traits) }, { weight: 1, arbitrary: binaries() }, { weight: 2, arbitrary: temporals() }, { weight: 1, arbitrary: members() },
    { weight: 1, arbitrary: json(traits) },
  );
}

function columns(traits: ServerTraits): Arbitrary<readonly ColumnSpec[]> {
  const column = fc.record({
    typed: columnTypes(traits), notNull: fc.boolean(), invisible: fc.integer({ min: 0, max: 9 }).map((n) => n === 9), name: fc.constantFrom(...NAMES),
  }).map(({ typed, ...rest }): ColumnSpec => ({ ...typed, ...rest }));
  return fc.array(column, { minLength: 1, maxLength: 7 });
}

const pick = fc.nat({ max: 11 });

const key: Arbitrary<KeySpec> = fc.record({
  kind: fc.constantFrom('PRIMARY KEY' as const, 'PRIMARY KEY' as const, 'UNIQUE KEY' as const, 'UNIQUE KEY' as const, 'KEY' as const),
  columns: fc.uniqueArray(pick, { minLength: 1, maxLength: 3 }),
  prefix: fc.integer({ min: 1, max: 12 }),
});

function table(traits: ServerTraits): Arbitrary<TableSpec> {
  return fc.record({
    columns: columns(traits),
    keys: fc.array(key, { maxLength: 3 }),
    // All in one script: a table whose engine cannot roll back would stay changed when another's rows make it fail.
    option: fc.constantFrom('' as const, '' as const, '' as const, '' as const, 'ROW_FORMAT=REDUNDANT' as const, 'PARTITION BY KEY () PARTITIONS 3' as const),
    suffix: fc.constantFrom(...SUFFIXES),
    generated: fc.constantFrom('' as const, '' as const, '' as const, 'VIRTUAL' as const, 'STORED' as const),
    generatedKey: fc.constantFrom('' as const, 'KEY' as const, 'UNIQUE KEY' as const, ...(traits.flavour === 'mysql' ? ['expression' as const] : [])),
    touched: fc.integer({ min: 0, max: 4 }).map((n) => n === 4),
    autoIncrement: fc.boolean(),
  });
}

const step: Arbitrary<StepSpec> = fc.record({
  kind: fc.constantFrom(...STEP_KINDS),
  table: fc.nat({ max: 1 }),
  rows: fc.array(fc.array(pick, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }),
  columns: fc.uniqueArray(pick, { minLength: 1, maxLength: 3 }),
  where: fc.constantFrom('all' as const, 'equal' as const, 'null' as const),
  limit: fc.integer({ min: 1, max: 6 }),
  ignore: fc.boolean(),
});

const ENDINGS: readonly Ending[] = ['autocommit', 'autocommit', 'commit', 'commit', 'commit', 'rollback', 'xa', 'xa-one-phase', 'xa-rollback'];

function transaction({ flavour, version }: ServerTraits): Arbitrary<TransactionSpec> {
  const image = flavour === 'mysql' ? 'PARTIAL_JSON' as const : version.startsWith('10.') ? '' as const : 'FULL_NODUP' as const;
  return fc.record({
    ending: fc.constantFrom(...ENDINGS),
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
    compressed: fc.integer({ min: 0, max: 3 }).map((n) => n === 3),
    image: fc.constantFrom('' as const, '' as const, image),
  });
}

function insertFirst(traits: ServerTraits): Arbitrary<readonly TransactionSpec[]> {
  return fc.record({ first: step, rest: fc.array(transaction(traits), { maxLength: 1 }) }).map(({ first, rest }) => [
    { ending: 'autocommit', compressed: false, image: '', steps: [{ ...first, kind: 'insert', table: 0 }, { ...first, kind: 'insert', table: 1 }] }, ...rest,
  ]);
}

/** Without fast-check's own bias, which would make most cases tiny: the pools hold the extremes themselves. */
export function cases(traits: ServerTraits): Arbitrary<CaseSpec> {
  return fc.noBias(fc.record({
    tables: fc.array(table(traits), { minLength: 1, maxLength: 2 }),
    prelude: insertFirst(traits),
    window: fc.array(transaction(traits), { minLength: 2, maxLength: 6 }),
  }));
}
