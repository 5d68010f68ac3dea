/** Which family a server belongs to: the binlog format, the GTID kind and most statements follow from it. */
export type Flavour = 'mysql' | 'mariadb';

export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** As VERSION() prints it. */
  readonly raw: string;
}

/** How far this release vouches for a server. */
export interface Support {
  readonly level: 'tested' | 'untested' | 'refused';
  /** One sentence, for the operator. */
  readonly reason: string;
}

/** Servers that speak MySQL's protocol but write no binlog of MySQL's or MariaDB's form. */
const FOREIGN = /tidb|vitess|oceanbase|memsql|singlestore|polardb-?x|doris|starrocks|crate|clickhouse|dolt|readyset/i;

/** The versions that the test suite runs against. Others of the same lines are read, but nobody has proved it. */
const TESTED: readonly { flavour: Flavour; major: number; minor: number }[] = [
  { flavour: 'mysql', major: 9, minor: 7 },
  { flavour: 'mariadb', major: 11, minor: 8 },
  { flavour: 'mariadb', major: 10, minor: 11 },
];

/** Reads VERSION(). MariaDB says so in the version string itself; everything else is judged as MySQL. */
export function identify(raw: string, variables: ReadonlyMap<string, string>): { flavour: Flavour; version: ServerVersion } {
  const [, major = '0', minor = '0', patch = '0'] = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(raw.replace(/^5\.5\.5-(?=\d+\.\d+\.\d+-MariaDB)/i, '')) ?? [];
  const flavour = /mariadb/i.test(raw) || /mariadb/i.test(variables.get('version_comment') ?? '') ? 'mariadb' : 'mysql';
  return { flavour, version: { major: Number(major), minor: Number(minor), patch: Number(patch), raw } };
}

export function isAtLeast(version: ServerVersion, major: number, minor: number, patch = 0): boolean {
  return version.major !== major ? version.major > major : version.minor !== minor ? version.minor > minor : version.patch >= patch;
}

export function judge(flavour: Flavour, version: ServerVersion, variables: ReadonlyMap<string, string>): Support {
  const name = `${flavour === 'mariadb' ? 'MariaDB' : 'MySQL'} ${version.major}.${version.minor}`;
  const foreign = FOREIGN.exec(`${version.raw} ${variables.get('version_comment') ?? ''}`)?.[0] ?? (variables.has('memsql_version') ? 'SingleStore' : null);
  if (foreign !== null) return { level: 'refused', reason: `This is ${foreign}: it does not write MySQL's or MariaDB's binlog.` };
  const oldest = flavour === 'mariadb' ? [10, 5] as const : [8, 0] as const;
  if (version.major < oldest[0] || (version.major === oldest[0] && version.minor < oldest[1])) {
    return { level: 'refused', reason: `${name} is older than ${oldest[0]}.${oldest[1]}, the oldest version that is read.` };
  }
  const engine = variables.get('binlog_storage_engine') ?? '';
  if (engine !== '') return { level: 'refused', reason: `The binlog is stored in ${engine} (binlog_storage_engine), in a form that is not read by this release.` };
  const variant = /percona/i.test(variables.get('version_comment') ?? '') ? 'Percona Server' : variables.has('aurora_version') ? 'Aurora' : null;
  if (variant !== null) return { level: 'untested', reason: `${name} as ${variant} is not part of the test suite.` };
  if (TESTED.some((known) => known.flavour === flavour && known.major === version.major && known.minor === version.minor)) {
    return { level: 'tested', reason: `${name} is part of the test suite.` };
  }
  return { level: 'untested', reason: `${name} is not part of the test suite; it can be run there by its DSN.` };
}

/** MySQL runs foreign keys in its SQL layer since 9.6, and so logs what they do to child rows (measured on 9.7). */
export function cascadesAreLogged(flavour: Flavour, rawVersion: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(rawVersion) ?? [];
  return flavour === 'mysql' && (Number(major) > 9 || (Number(major) === 9 && Number(minor) >= 6));
}
