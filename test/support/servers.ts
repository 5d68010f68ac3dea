import { randomBytes } from 'node:crypto';
import type { Flavour } from '../../deploy/provision/index.ts';
import { fleetFromEnvironment, startFleet, type SharedServer } from './fleet.ts';

export { connect } from './any-server.ts';
export type { SharedServer } from './fleet.ts';

/** Without the runner a test file starts servers of its own; they end with the process. */
const started = fleetFromEnvironment() ?? (await startFleet());

/** The servers whose binlog the tests tail: one of each kind. */
export function sources(): readonly SharedServer[] {
  return started.sources;
}

/** The servers that hold the undo log in the tests: one of each flavour, separate from the sources. */
export function backups(): readonly SharedServer[] {
  return started.backups;
}

/** The first source of that flavour, for tests that need no more than one. */
export function source(flavour: Flavour): SharedServer {
  return ofFlavour(started.sources, flavour);
}

/** The backup server of that flavour. */
export function backup(flavour: Flavour): SharedServer {
  return ofFlavour(started.backups, flavour);
}

function ofFlavour(servers: readonly SharedServer[], flavour: Flavour): SharedServer {
  const found = servers.find((server) => server.flavour === flavour);
  if (found === undefined) throw new Error(`no ${flavour} server in this test run`);
  return found;
}

/** A schema name that no other test file uses, lower case, at most 64 characters. */
export function uniqueSchema(prefix: string): string {
  return `${prefix.toLowerCase().replace(/[^a-z0-9_]/g, '_').slice(0, 50)}_${randomBytes(5).toString('hex')}`;
}
