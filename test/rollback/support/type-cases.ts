/** Columns with their extreme values as SQL, by server flavour: the types that must come back to the byte. */
export interface TypeCase {
  readonly type: string;
  readonly values: readonly string[];
}

const INTS: TypeCase[] = ([['TINYINT', 8], ['SMALLINT', 16], ['MEDIUMINT', 24], ['INT', 32], ['BIGINT', 64]] as const).flatMap(([type, bits]) => {
  const half = 2n ** BigInt(bits - 1);
  return [
    { type, values: ['0', '-1', '1', String(-half), String(half - 1n), String(-half / 2n), '9'] },
    { type: `${type} UNSIGNED`, values: ['0', '1', String(half), String(2n * half - 1n), String(half - 1n), '10'] },
  ];
});

const NUMBERS: TypeCase[] = [
  ...INTS,
  { type: 'BIGINT', values: ['9007199254740993', '-9007199254740993', '4294967296', '-4294967295', '1000000000000000000', '-999999999999999999'] },
  { type: 'DECIMAL(65,30)', values: ['0', `-${'9'.repeat(35)}.${'9'.repeat(30)}`, `${'1'.repeat(35)}.${'0'.repeat(29)}1`, '-0.000000000000000000000000000001', '1.10'] },
  { type: 'DECIMAL(10,2)', values: ['-10.55', '99999999.99', '0.01', '-0.01', '100000000 - 1'] },
  { type: 'DECIMAL(9,9)', values: ['0.123456789', '-0.999999999', '0'] },
  { type: 'DECIMAL(65,0)', values: ['9'.repeat(65), `-${'9'.repeat(65)}`, '1000000000'] },
  { type: 'FLOAT', values: ['0.1', '-0e0', '3.4028234663852886e38', '1.401298464324817e-45', '-1.17549435e-38', '16777217', '1e10'] },
  { type: 'DOUBLE', values: ['0.1', '-0e0', '1.7976931348623157e308', '4.9406564584124654e-324', '-2.2250738585072014e-308', '123456789012345680', '0.30000000000000004'] },
  { type: 'FLOAT(7,2)', values: ['0.1', '-99999.99', '12345.67', '0'] },
  { type: 'DOUBLE(20,5)', values: ['0.12345', '-123456789012345.12345', '0'] },
  { type: 'DOUBLE ZEROFILL', values: ['0', '0.5', '1e200'] },
  { type: 'INT(10) ZEROFILL', values: ['0', '5', '4294967295'] },
  { type: 'BIT(1)', values: ["b'0'", "b'1'"] },
  { type: 'BIT(9)', values: ["b'101010101'", "b'111111111'", "b'0'"] },
  { type: 'BIT(64)', values: [`b'${'1'.repeat(64)}'`, `b'1${'0'.repeat(63)}'`, "b'0'"] },
  { type: 'YEAR', values: ['0', '1901', '2155', '2000', '1970'] },
];

const TEMPORAL: TypeCase[] = [
  { type: 'DATE', values: ["'0000-00-00'", "'2020-00-10'", "'2020-02-31'", "'9999-12-31'", "'0001-01-01'", "'2024-02-29'"] },
  ...[0, 1, 2, 3, 4, 5, 6].flatMap((digits): TypeCase[] => {
    const fraction = digits > 0 ? `.${'123456'.slice(0, digits)}` : '';
    const nines = digits > 0 ? `.${'9'.repeat(digits)}` : '';
    return [
      { type: `TIME(${digits})`, values: ["'00:00:00'", `'-00:01:00'`, "'-12:34:00'", `'838:59:58${nines}'`, `'-838:59:58${nines}'`, `'-00:00:01${fraction}'`, `'11:12:13${fraction}'`] },
      { type: `DATETIME(${digits})`, values: ["'0000-00-00 00:00:00'", `'2020-02-31 23:59:59${nines}'`, `'9999-12-31 23:59:59${fraction}'`, `'1000-01-01 00:00:00${fraction}'`, `'2026-11-20 14:05:07${fraction}'`] },
      { type: `TIMESTAMP(${digits}) NULL`, values: ["'0000-00-00 00:00:00'", `'1970-01-01 00:00:01${fraction}'`, `'2038-01-19 03:14:07${fraction}'`, `'2026-11-01 05:30:00${nines}'`, `'2024-02-29 12:00:00'`, `'2000-03-01 00:00:00'`] },
    ];
  }),
];

const bytes = (from: number, to: number): string => `X'${Buffer.from(Array.from({ length: to - from + 1 }, (_, i) => from + i)).toString('hex')}'`;

const BINARY: TypeCase[] = [
  { type: 'BINARY(8)', values: ["X'0102030000'", "X'0000000000000000'", "X'FFFFFFFFFFFFFFFF'", "X'20'"] },
  { type: 'BINARY(255)', values: [bytes(0, 254), "''"] },
  { type: 'VARBINARY(300)', values: ["''", "X'00'", bytes(0, 255), "X'2720'", "X'0100'"] },
  { type: 'BLOB', values: ["''", bytes(0, 255), `REPEAT(X'00FF', 20000)`] },
  { type: 'TINYBLOB', values: ["X'5C'", "''"] },
  { type: 'MEDIUMBLOB', values: ["REPEAT(X'01', 70000)", "X'0A0D'"] },
  { type: 'LONGBLOB', values: ["REPEAT(X'27', 100)", "X'00'"] },
];

const TEXTS = ["''", "'it''s'", "' lead and trail  '", "_utf8mb4 X'5C6E5C27'", "_utf8mb4 X'0A000D1A09'", "'\"double\" `back` ? -- # /* */ ;'", "_utf8mb4 X'7F'", "'A'", "'a'"];
const WIDE = ["_utf8mb4 X'C3A9'", "_utf8mb4 X'E4B8ADE69687'", "_utf8mb4 X'F09F9880'", "_utf8mb4 X'C285E280A8'"];

const TEXT: TypeCase[] = [
  { type: 'CHAR(40) CHARACTER SET utf8mb4', values: [...TEXTS, ...WIDE] },
  { type: 'VARCHAR(40) CHARACTER SET utf8mb4', values: [...TEXTS, ...WIDE] },
  { type: 'VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin', values: [...TEXTS, ...WIDE] },
  { type: 'VARCHAR(40) CHARACTER SET utf8mb3', values: [...TEXTS, "_utf8mb4 X'C3A9'"] },
  { type: 'TEXT CHARACTER SET utf8mb4', values: [...TEXTS, ...WIDE, "REPEAT('x', 60000)"] },
  { type: 'LONGTEXT CHARACTER SET latin1', values: ["_latin1 X'818D8F909DE9FF'", "'plain'"] },
  { type: 'CHAR(30) CHARACTER SET latin1', values: ["_latin1 X'818D8F909DE9FF'", "'plain'", "_latin1 X'5C'"] },
  { type: 'VARCHAR(30) CHARACTER SET ucs2', values: ["_ucs2 X'0041D800005C'", "'plain'", "''"] },
  { type: 'CHAR(30) CHARACTER SET utf16', values: ["_utf16 X'0041D83DDE00'", "'plain'", "''"] },
  { type: 'CHAR(30) CHARACTER SET utf32', values: ["_utf32 X'000000410001F600'", "'plain  '"] },
  { type: 'VARCHAR(30) CHARACTER SET gbk', values: ["_gbk X'815CD6D0'", "'plain'"] },
  { type: 'VARCHAR(30) CHARACTER SET sjis', values: ["_sjis X'835C7E'", "'plain ~'"] },
  { type: 'VARCHAR(30) CHARACTER SET tis620', values: ["_tis620 X'FFFEA1'", "'plain'"] },
  { type: 'VARCHAR(30) CHARACTER SET swe7', values: ["_swe7 X'5B5D7B7D'", "'plain'"] },
];

const manyMembers = Array.from({ length: 300 }, (_, i) => `'m${i}'`).join(',');
const setMembers = (count: number): string => Array.from({ length: count }, (_, i) => `'s${i}'`).join(',');

const LABELLED: TypeCase[] = [
  { type: "ENUM('a','b,c','d''e','')", values: ['1', '2', '3', '4', '0'] },
  { type: `ENUM(${manyMembers})`, values: ['1', '255', '256', '300'] },
  { type: "SET('x','y z','it''s')", values: ['0', '1', '7', '4'] },
  { type: `SET(${setMembers(33)})`, values: ['4294967296', '8589934591', '1'] },
  { type: `SET(${setMembers(64)})`, values: ['18446744073709551615', '9223372036854775808', '9007199254740993', '1'] },
];

const GEOMETRY: TypeCase[] = [
  { type: 'GEOMETRY', values: ["ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')", "ST_GeomFromText('MULTIPOINT(1 1,2 2)')", "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326)"] },
  { type: 'POINT', values: ["ST_GeomFromText('POINT(-1.5 2e10)')"] },
];

const JSON_MYSQL: TypeCase[] = [
  {
    type: 'JSON',
    values: [
      "'{}'", "'[]'", "'null'", "'true'", "'1.0'", "'-0.0'", "'18446744073709551615'", "'-9223372036854775808'", "'4294967295'", "'4294967296'", "'2147483648'", "'32767'", "'32768'", "'-32769'",
      `'{"__proto__":1,"a":[1,2.5,"x",null,false],"":{}}'`, "'0.1'", "'1e300'", "'5e-324'",
      "CAST(_utf8mb4 X'7B226B5C22223A22615C6E5C5C625C7530303031C3A9227D' AS JSON)", `'"it''s"'`, `'"plain"'`,
      'JSON_ARRAY(CAST(1.10 AS DECIMAL(10,2)), CAST(-5 AS DECIMAL(65,30)))', 'JSON_ARRAY(1.5, 0.5, .5, 1., -12.50, 12345678901.25, 5/2, 1.10 * 2, (SELECT SUM(0.1)), 0.0, 1e0)',
      "(SELECT JSON_ARRAY(x, y, z, u) FROM JSON_TABLE('[0.5, 1234567890123]', '$[*]' COLUMNS(x DECIMAL(5,2) PATH '$' DEFAULT '1' ON ERROR, y DECIMAL(12,2) PATH '$' DEFAULT '2' ON ERROR, z DECIMAL(40,10) PATH '$', u DECIMAL(2,2) PATH '$' DEFAULT '0' ON ERROR)) t LIMIT 1)",
      "(SELECT JSON_ARRAY(z) FROM JSON_TABLE('[1234567890123]', '$[*]' COLUMNS(z DECIMAL(40,10) PATH '$')) t)", 'JSON_ARRAY(CAST(1e60 AS DECIMAL(65,5)))', 'CAST(-1.5 AS JSON)', 'CAST(0.50 AS JSON)',
      "(SELECT JSON_ARRAY(x) FROM JSON_TABLE('[\"ab\"]', '$[*]' COLUMNS(x TINYBLOB PATH '$')) t)", 'CAST(1.5 AS JSON)', "'[1, 2, 3]'", 'JSON_ARRAY(1, CAST(2 AS UNSIGNED), 3)', 'CAST(CAST(1.5 AS DECIMAL(5,3)) AS JSON)',
      "JSON_OBJECT('d', CAST('2020-01-02' AS DATE), 't', CAST('-01:02:03.5' AS TIME(6)), 'dt', CAST('2020-02-03 04:05:06.123456' AS DATETIME(6)), 'z', CAST('00:00:00' AS TIME))",
      "CAST(CAST('2020-01-02' AS DATE) AS JSON)", 'CAST(CAST(5 AS UNSIGNED) AS JSON)', 'JSON_ARRAY(5000000000, -5000000000, CAST(70000 AS UNSIGNED))',
      "JSON_ARRAY(X'00FF', JSON_OBJECT('k', X'', 'p', JSON_ARRAY(1, 'two')))", "JSON_ARRAY(REPEAT(X'01', 70000))",
      "(SELECT JSON_ARRAY(x) FROM JSON_TABLE('[5]', '$[*]' COLUMNS(x BIT(9) PATH '$')) t)",
      "(SELECT JSON_ARRAY(x) FROM JSON_TABLE('[\"ab\"]', '$[*]' COLUMNS(x BLOB PATH '$')) t)",
      "(SELECT JSON_ARRAY(x) FROM JSON_TABLE('[\"ab\"]', '$[*]' COLUMNS(x BINARY(4) PATH '$')) t)",
      "(SELECT JSON_ARRAY(x) FROM JSON_TABLE('[\"2020-01-02 03:04:05.678\"]', '$[*]' COLUMNS(x TIMESTAMP(3) PATH '$')) t)",
      "JSON_ARRAY(REPEAT('long', 30000))", `CAST(CONCAT('[', REPEAT('123456,', 20000), '1]') AS JSON)`,
    ],
  },
];

const MYSQL: TypeCase[] = [...JSON_MYSQL, { type: 'VECTOR(3)', values: ["STRING_TO_VECTOR('[1,2,3]')", "STRING_TO_VECTOR('[-0.5,1e30,0]')"] }];

const MARIADB: TypeCase[] = [
  { type: 'UUID', values: ["'00112233-4455-1677-8899-aabbccddee00'", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'00112233-4455-7677-c899-aabbccddeeff'"] },
  { type: 'INET4', values: ["'1.2.3.0'", "'0.0.0.0'", "'255.255.255.255'"] },
  { type: 'INET6', values: ["'::1:0'", "'::'", "'2001:db8::ff00:42:8329'", "'::ffff:1.2.3.4'"] },
  { type: 'JSON', values: [`'{"a": 1.0}'`, `'[1,  2]'`] },
  { type: 'TEXT COMPRESSED CHARACTER SET utf8mb4', values: ["''", "'short'", "REPEAT('long text ', 500)", "REPEAT(_utf8mb4 X'F09F9880', 200)"] },
  { type: 'VARCHAR(2000) COMPRESSED CHARACTER SET latin1', values: ["''", "'short'", "REPEAT(_latin1 X'E9', 1500)"] },
  { type: 'BLOB COMPRESSED', values: ["''", "X'00'", "REPEAT(X'0001', 500)"] },
  { type: 'VARBINARY(900) COMPRESSED', values: ["''", "X'00'", "REPEAT(X'0001', 400)"] },
];

const MARIADB_11: TypeCase[] = [
  { type: 'TIMESTAMP(6) NULL', values: ["'2106-02-07 06:28:14.999999'", "'2038-01-19 03:14:08'"] },
  { type: 'VECTOR(2)', values: ["VEC_FromText('[1,2]')", "VEC_FromText('[-0.5,1e30]')"] },
  { type: 'VARCHAR(30) CHARACTER SET ucs2 COLLATE uca1400_ai_ci', values: ["_ucs2 X'0041005C'", "'plain'"] },
];

/** Grouped so that one table stays below the servers' row-size limits. */
export function typeCases(flavour: 'mysql' | 'mariadb', version: string): Readonly<Record<string, readonly TypeCase[]>> {
  const own = flavour === 'mysql' ? MYSQL : [...MARIADB, ...(version.startsWith('10.') ? [] : MARIADB_11)];
  return { numbers: NUMBERS, temporal: TEMPORAL, binary: BINARY, text: TEXT, labelled: LABELLED, geometry: GEOMETRY, own };
}
