import { SERVER_KINDS, externalServer, flavourOf, formatDsn, parseDsn, startServer, type ExternalKind, type Flavour, type Progress, type RunningServer, type ServerKind } from '../../deploy/provision/index.ts';

/** A server that many test files use; each makes schemas of its own in it and leaves the rest alone. */
export interface SharedServer {
  readonly kind: ServerKind | ExternalKind;
  readonly flavour: Flavour;
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface Fleet {
  readonly sources: readonly SharedServer[];
  readonly backups: readonly SharedServer[];
}

/** A fleet that this process started, and how it ends. */
export interface StartedFleet extends Fleet {
  stop(): Promise<void>;
}

const PARTS = ['sources', 'backups'] as const;
type Part = (typeof PARTS)[number];

const PRIVATE: Readonly<Record<Part, Readonly<Record<Flavour, readonly ServerKind[]>>>> = {
  sources: { mysql: ['mysql-9.7'], mariadb: ['mariadb-11.8', 'mariadb-10.11'] },
  backups: { mysql: ['mysql-9.7'], mariadb: ['mariadb-11.8'] },
};

/**
 * Nobody ends the fleet but at its end, and a DDL statement waits a dozen times for the disk: not here. What there is of it: MySQL leaves out
 * six of ten waits, MariaDB 11.8 all of them, 10.11 none that counts. Servers that tests kill keep their waits.
 */
const UNSYNCED: Readonly<Record<Flavour, readonly string[]>> = { mysql: ['--innodb-flush-method=nosync'], mariadb: ['--debug-no-sync'] };

/**
 * Starts every server of a test run. Where the environment names a server of a flavour, it stands for all of that
 * flavour, as source and as backup server. A server that cannot be had is an error: nothing is left out for it.
 */
export async function startFleet(progress?: Progress): Promise<StartedFleet> {
  const own: RunningServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(own.map((server) => server.stop()));
  };
  const fleet: Record<Part, SharedServer[]> = { sources: [], backups: [] };
  try {
    for (const flavour of ['mysql', 'mariadb'] as const) {
      const external = await externalServer(flavour);
      for (const part of PARTS) {
        for (const kind of external === undefined ? PRIVATE[part][flavour] : []) {
          const server = await startServer(kind, { args: UNSYNCED[flavour], ...(progress === undefined ? {} : { progress }) });
          own.push(server);
          fleet[part].push(server);
        }
        if (external !== undefined) fleet[part].push(external);
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...fleet, stop };
}

const VARIABLES: Readonly<Record<Part, string>> = { sources: 'TEST_FLEET_SOURCES', backups: 'TEST_FLEET_BACKUPS' };

/** What the runner puts into the environment of the test files. */
export function fleetEnvironment(fleet: Fleet): Record<string, string> {
  const entry = (server: SharedServer): string => [server.kind, server.version, formatDsn(server)].join(' ');
  return Object.fromEntries(PARTS.map((part) => [VARIABLES[part], fleet[part].map(entry).join('\n')]));
}

/** The runner's servers; undefined when a test file is run on its own. */
export function fleetFromEnvironment(env: NodeJS.ProcessEnv = process.env): Fleet | undefined {
  const [sources, backups] = PARTS.map((part) => partFromEnvironment(VARIABLES[part], env));
  return sources === undefined || backups === undefined ? undefined : { sources, backups };
}

function partFromEnvironment(name: string, env: NodeJS.ProcessEnv): SharedServer[] | undefined {
  return env[name]?.split('\n').map((line) => {
    const [kind, version, dsn] = line.split(' ');
    if (kind === undefined || version === undefined || dsn === undefined || !isKind(kind)) throw new Error(`${name} is not what test/run.ts writes`);
    return { kind, flavour: flavourOf(kind), version, ...parseDsn(dsn, name) };
  });
}

function isKind(text: string): text is SharedServer['kind'] {
  return [...SERVER_KINDS, 'mysql-dsn', 'mariadb-dsn'].some((kind) => kind === text);
}
