import convict from 'convict';
import { UndoError, reasonOf } from '../core/errors.ts';
import { assemble, isLoopback } from './assemble.ts';
import type { Config, Need } from './config.ts';
import { environmentLayer, fileLayer, flagLayer, type ConfigFault, type GivenValue } from './layers.ts';
import { ENV_CONFIG_FILE, SCHEMA, type Values } from './schema.ts';

/** All that is wrong with a configuration, thrown once. `faults` has one sentence for each. */
export class ConfigError extends UndoError {
  readonly faults: readonly string[];

  constructor(faults: readonly ConfigFault[]) {
    const [first] = faults;
    const code = first !== undefined && faults.every((fault) => fault.code === first.code) ? first.code : 'CONFIG_INVALID';
    const lines = faults.map((fault) => fault.message);
    super(code, lines.join('\n'));
    this.name = 'ConfigError';
    this.faults = lines;
  }
}

export interface ConfigInput<N extends Need> {
  readonly env: NodeJS.ProcessEnv;
  /** The file that `--config` names; BINLOG_UNDO_CONFIG names it otherwise. */
  readonly file?: string | undefined;
  /** What `parseArgs` returned as `values`; names as `flagOptions` gives them. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** The servers that the command needs. */
  readonly needs: readonly N[];
}

type Store = convict.Config<Values>;

/**
 * Reads the configuration: defaults, then the file, then the environment, then flags; later ones win.
 * @throws ConfigError with every fault found; its code is CONFIG_UNKNOWN_KEY, CONFIG_BACKUP_MISSING or CONFIG_INVALID.
 */
export function loadConfig<N extends Need = never>(input: ConfigInput<N>): Config<N> {
  const faults: ConfigFault[] = [];
  const file = input.file ?? (input.env[ENV_CONFIG_FILE] || undefined);
  const layers = [
    file === undefined ? [] : fileLayer(file, faults),
    environmentLayer(input.env, faults),
    flagLayer(input.flags ?? {}),
  ];
  const store = newStore();
  const origins = new Map<string, string>();
  for (const layer of layers) {
    applySecrets(layer, store, faults);
    for (const given of layer) {
      store.set(given.path, given.value);
      origins.set(given.path, given.origin);
    }
  }
  validate(store, origins, faults);
  if (faults.length > 0) throw new ConfigError(faults);
  const values = store.getProperties();
  const config = assemble(values, printable(store));
  demand(config, values, input.needs, faults);
  if (faults.length > 0) throw new ConfigError(faults);
  // `demand` has just shown that what N names is there.
  return config as Config<N>;
}

function newStore(): Store {
  // Convict's types know only its own format names; ours are registered in formats.ts.
  return convict(SCHEMA as unknown as convict.Schema<Values>, { env: {}, args: [] });
}

const SECRETS = [['source.password', 'source.passwordFile'], ['backup.password', 'backup.passwordFile'], ['admin.token', 'admin.tokenFile'],
  ['kafka.sasl.password', 'kafka.sasl.passwordFile'], ['kafka.maskSalt', 'kafka.maskSaltFile']] as const;

/** A secret given directly and one given as a file replace each other from layer to layer; both in one layer contradict. */
function applySecrets(layer: readonly GivenValue[], store: Store, faults: ConfigFault[]): void {
  for (const [plain, file] of SECRETS) {
    const givenPlain = layer.find((given) => given.path === plain);
    const givenFile = layer.find((given) => given.path === file);
    if (givenPlain && givenFile) faults.push({ code: 'CONFIG_INVALID', message: `${givenPlain.origin} and ${givenFile.origin} are both set: set one of them.` });
    else if (givenPlain) store.set(file, '');
    else if (givenFile) store.set(plain, '');
  }
}

function validate(store: Store, origins: ReadonlyMap<string, string>, faults: ConfigFault[]): void {
  try {
    store.validate({ allowed: 'strict' });
  } catch (error) {
    // One line for each fault, starting with the key; the values of secrets are left out by convict.
    for (const line of (error instanceof Error ? error.message : String(error)).split('\n')) {
      const path = line.slice(0, line.indexOf(':'));
      const origin = origins.get(path) ?? path;
      faults.push({ code: 'CONFIG_INVALID', message: `${origin}${line.slice(path.length).replace(': value was ', ', not ')}.` });
    }
  }
}

/** Every key with its value; convict masks the sensitive ones whether set or not. */
function printable(store: Store): Record<string, unknown> {
  return JSON.parse(store.toString()) as Record<string, unknown>;
}

function demand(config: Config, values: Values, needs: readonly Need[], faults: ConfigFault[]): void {
  for (const need of needs) {
    const given = values[need];
    const env = `BINLOG_UNDO_${need.toUpperCase()}`;
    if (given.host === '') {
      faults.push(need === 'backup'
        ? { code: 'CONFIG_BACKUP_MISSING', message: 'No backup server is configured (backup.host is not set).' }
        : { code: 'CONFIG_INVALID', message: `No source server is configured: set ${env}_HOST (source.host, --source-host).` });
      continue;
    }
    if (given.user === '') faults.push({ code: 'CONFIG_INVALID', message: `No account is configured for the ${need} server: set ${env}_USER (${need}.user, --${need}-user).` });
    try {
      config[need]?.endpoint.password();
    } catch (error) {
      faults.push({ code: 'CONFIG_INVALID', message: reasonOf(error) });
    }
  }
  adminFaults(config, values.admin.allowPlain, faults);
  tlsFaults(values, faults);
  maskFaults(config, faults);
}

function tlsFaults({ admin }: Values, faults: ConfigFault[]): void {
  const { cert, key, clientCa } = admin.tls;
  if ((cert === '') !== (key === '') || (cert === '' && clientCa !== '')) {
    faults.push({ code: 'CONFIG_INVALID', message: 'TLS of the HTTP API needs both admin.tls.cert and admin.tls.key (BINLOG_UNDO_ADMIN_TLS_CERT, _KEY).' });
  }
}

function maskFaults({ kafka }: Config, faults: ConfigFault[]): void {
  if (kafka === null || kafka.masks.length === 0) return;
  try {
    if (kafka.maskSalt() === '') faults.push({ code: 'CONFIG_INVALID', message: 'kafka.mask needs a secret that keys the hashes: set BINLOG_UNDO_KAFKA_MASK_SALT or BINLOG_UNDO_KAFKA_MASK_SALT_FILE.' });
  } catch (error) {
    faults.push({ code: 'CONFIG_INVALID', message: reasonOf(error) });
  }
}

function adminFaults(config: Config, allowPlain: boolean, faults: ConfigFault[]): void {
  const { host, port, tls } = config.admin;
  if (port !== 0 && !isLoopback(host) && tls === null && !allowPlain) {
    faults.push({ code: 'CONFIG_INVALID', message: `The HTTP API on ${host} would speak plain HTTP, tokens and rows unencrypted: set BINLOG_UNDO_ADMIN_TLS_CERT and _KEY, or BINLOG_UNDO_ADMIN_ALLOW_PLAIN=true where something else encrypts, or listen on 127.0.0.1 only.` });
  }
  try {
    if (port !== 0 && !isLoopback(host) && config.admin.token() === null && config.admin.tokensFile === null) {
      faults.push({ code: 'CONFIG_INVALID', message: `The HTTP API on ${host} needs a token: set BINLOG_UNDO_ADMIN_TOKEN, BINLOG_UNDO_ADMIN_TOKEN_FILE or BINLOG_UNDO_ADMIN_TOKENS_FILE, or listen on 127.0.0.1 only.` });
    }
  } catch (error) {
    faults.push({ code: 'CONFIG_INVALID', message: reasonOf(error) });
  }
  if (config.metrics.port !== 0 && config.metrics.port === port) {
    faults.push({ code: 'CONFIG_INVALID', message: `admin.port and metrics.port are both ${port}: give them different ports.` });
  }
}
