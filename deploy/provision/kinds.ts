/** Which servers and tools can be had, and from which Debian packages. */

export type Flavour = 'mysql' | 'mariadb';

/** A server that is unpacked and run privately from Debian's packages. */
export type ServerKind = 'mysql-9.7' | 'mariadb-11.8' | 'mariadb-10.11';

/** A server that somebody else runs, named by TEST_MYSQL_DSN or TEST_MARIADB_DSN. */
export type ExternalKind = 'mysql-dsn' | 'mariadb-dsn';

/** Anything that is unpacked into a prefix of its own. */
export type PrefixKind = ServerKind | 'sysbench' | 'prometheus' | 'kcat';

export interface Recipe {
  readonly suite: string;
  readonly packages: readonly string[];
  /** Packages taken for some of their programs, without what they depend on. */
  readonly alone?: readonly string[];
  /** The program whose `--version` proves that the prefix works, relative to it. */
  readonly program: string;
  /** What makes it print its version; absent: `--no-defaults --version`, without the former for sysbench. */
  readonly versionArgs?: readonly string[];
}

export const SERVER_KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8', 'mariadb-10.11'];

/**
 * mariadb-binlog is in mariadb-client, whose other dependencies are Perl's. tzdata gives the servers named time zones
 * without a look at the host's own.
 */
export const RECIPES: Readonly<Record<PrefixKind, Recipe>> = {
  'mysql-9.7': { suite: 'sid', packages: ['mysql-server-core', 'mysql-client-core', 'tzdata'], program: 'usr/sbin/mysqld' },
  'mariadb-11.8': { suite: 'trixie', packages: ['mariadb-server-core', 'mariadb-client-core', 'tzdata'], alone: ['mariadb-client'], program: 'usr/sbin/mariadbd' },
  'mariadb-10.11': { suite: 'bookworm', packages: ['mariadb-server-core', 'mariadb-client-core', 'tzdata'], alone: ['mariadb-client'], program: 'usr/sbin/mariadbd' },
  sysbench: { suite: 'bookworm', packages: ['sysbench'], program: 'usr/bin/sysbench' },
  // Go programs that need the libc and nothing of what the service's package asks for.
  prometheus: { suite: 'bookworm', packages: ['libc6'], alone: ['prometheus'], program: 'usr/bin/promtool', versionArgs: ['--version'] },
  kcat: { suite: 'bookworm', packages: ['kcat'], program: 'usr/bin/kcat', versionArgs: ['-V'] },
};

export function flavourOf(kind: ServerKind | ExternalKind): Flavour {
  return kind.startsWith('mysql') ? 'mysql' : 'mariadb';
}

/** Receives one line of progress at a time; nothing is printed without it. */
export type Progress = (line: string) => void;
