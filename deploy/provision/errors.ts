/** A server could not be had or started. The message names the ways out; it never carries a password. */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError';
}

const WAYS_OUT = [
  'Ways out:',
  '  - name servers that run already: TEST_MYSQL_DSN and TEST_MARIADB_DSN, as mysql://user:password@host:port/',
  '  - start some in containers: docker compose -f deploy/compose.servers.yaml up',
  '  - on Debian, install apt and debian-archive-keyring: private copies then come from the package mirror of the apt sources',
].join('\n');

/** The failure to get a private copy, with everything the operator can do instead. */
export function notProvisioned(what: string, reason: string, cause?: unknown): ProvisionError {
  return new ProvisionError(`${what} cannot be had here: ${reason}\n${WAYS_OUT}`, cause === undefined ? undefined : { cause });
}
