import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProvisionError } from './errors.ts';
import { exec, execOk, type ExecResult } from './exec.ts';
import { cacheRoot } from './host.ts';
import { buildAside } from './tree.ts';

const VERSION = 'v3.18.6';

/** From here on Go fetches the version that a module asks for by itself. */
const GO_SINCE = 21;

const home = (): string => join(cacheRoot(), 'helm', VERSION);

const isBuilt = (): Promise<boolean> => access(join(home(), 'helm')).then(() => true, () => false);

/** Why helm cannot be run on this machine, to skip tests by; false when it can. */
export async function whyNoHelm(): Promise<string | false> {
  if (await isBuilt()) return false;
  const go = await exec('go', ['version']).catch(() => null);
  const minor = Number(/\bgo1\.(\d+)/.exec(go?.stdout ?? '')?.[1] ?? 0);
  return minor >= GO_SINCE ? false : `helm is built with Go 1.${GO_SINCE} or later, and there is ${minor === 0 ? 'none' : `1.${minor}`}`;
}

/** The real helm, from the cache or built through the Go module proxy that the machine's Go uses. */
async function ensureHelm(): Promise<string> {
  const program = join(home(), 'helm');
  if (await isBuilt()) return program;
  try {
    await buildAside(home(), async (aside) => {
      await execOk('go', ['install', `helm.sh/helm/v3/cmd/helm@${VERSION}`], { env: { ...process.env, GOBIN: aside, GOFLAGS: '-mod=mod' } });
    });
  } catch (error) {
    throw new ProvisionError(`helm ${VERSION} cannot be built: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return program;
}

/** Runs helm with settings of its own: what the user has configured is neither read nor changed. */
export async function runHelm(args: readonly string[]): Promise<ExecResult> {
  const home = await mkdtemp(join(tmpdir(), 'binlog-undo-helm-'));
  try {
    return await exec(await ensureHelm(), args, { env: { ...process.env, HELM_CONFIG_HOME: home, HELM_CACHE_HOME: home, HELM_DATA_HOME: home, KUBECONFIG: '/dev/null' } });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
