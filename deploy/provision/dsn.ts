import { connect } from 'node:net';
import { ProvisionError } from './errors.ts';
import type { ExternalKind, Flavour } from './kinds.ts';

/** Where a server is and how to log in. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A server that somebody else runs; it is used as it is and never stopped. */
export interface ExternalServer extends ServerAddress {
  readonly kind: ExternalKind;
  readonly flavour: Flavour;
  readonly version: string;
}

const VARIABLES: Readonly<Record<Flavour, string>> = { mysql: 'TEST_MYSQL_DSN', mariadb: 'TEST_MARIADB_DSN' };
const GREETING_LIMIT_MS = 10_000;

/** Reads mysql://user:password@host:port/; percent-encoding in user and password is undone. */
export function parseDsn(dsn: string, name: string): ServerAddress {
  let url: URL;
  try {
    url = new URL(dsn);
  } catch {
    throw new ProvisionError(`${name} is not a DSN; it looks like mysql://user:password@host:port/`);
  }
  if (!/^(mysql|mariadb):$/.test(url.protocol) || url.hostname === '' || url.username === '') {
    throw new ProvisionError(`${name} must look like mysql://user:password@host:port/`);
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

export function formatDsn(server: ServerAddress): string {
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  return `mysql://${encodeURIComponent(server.user)}:${encodeURIComponent(server.password)}@${host}:${server.port}/`;
}

/** The server that the environment names for this flavour, after a look at what it says it is. */
export async function externalServer(flavour: Flavour, env: NodeJS.ProcessEnv = process.env): Promise<ExternalServer | undefined> {
  const name = VARIABLES[flavour];
  const dsn = env[name];
  if (dsn === undefined || dsn === '') return undefined;
  const address = parseDsn(dsn, name);
  const version = await greetingVersion(address, name);
  const actual: Flavour = version.includes('MariaDB') ? 'mariadb' : 'mysql';
  if (actual !== flavour) throw new ProvisionError(`${name} names a ${actual} server (${version}), not ${flavour}`);
  return { ...address, kind: `${flavour}-dsn`, flavour, version };
}

/** The version that stands in clear in the first packet of every server, before any login. */
function greetingVersion({ host, port }: ServerAddress, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let received = Buffer.alloc(0);
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new ProvisionError(`${name}: ${host}:${port} ${reason}`));
    };
    socket.setTimeout(GREETING_LIMIT_MS, () => fail('does not answer'));
    socket.once('error', (error) => fail(`cannot be reached: ${error.message}`));
    socket.once('close', () => fail('closed the connection without a greeting'));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf(0, 5);
      if (received.length > 4 && received[4] !== 10) fail('does not speak the MySQL protocol, or refuses this machine');
      else if (end > 0) {
        resolve(received.toString('latin1', 5, end).replace(/^5\.5\.5-/, ''));
        socket.destroy();
      }
    });
  });
}
