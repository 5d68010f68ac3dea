import { readFileSync } from 'node:fs';
import { reasonOf, type ErrorCode } from '../core/errors.ts';
import { nearest } from './nearest.ts';
import { ENV_CONFIG_FILE, ENV_PREFIX, SETTINGS } from './schema.ts';

/** One thing wrong with the configuration. */
export interface ConfigFault {
  readonly code: ErrorCode;
  readonly message: string;
}

/** One value and the name under which the operator gave it. */
export interface GivenValue {
  readonly path: string;
  readonly value: unknown;
  /** `BINLOG_UNDO_SOURCE_PORT`, `--source-port`, or `source.port in config.json`. */
  readonly origin: string;
}

const isGroup = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads the JSON file; unknown keys and groups given as values are faults. */
export function fileLayer(file: string, faults: ConfigFault[]): GivenValue[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    faults.push({ code: 'CONFIG_INVALID', message: `The configuration file "${file}" cannot be read as JSON: ${reasonOf(error)}.` });
    return [];
  }
  if (!isGroup(content)) {
    faults.push({ code: 'CONFIG_INVALID', message: `The configuration file "${file}" must hold one JSON object.` });
    return [];
  }
  const given: GivenValue[] = [];
  const known = SETTINGS.map((setting) => setting.path);
  const walk = (node: Record<string, unknown>, prefix: string): void => {
    for (const [key, value] of Object.entries(node)) {
      const path = prefix + key;
      if (known.includes(path)) {
        given.push({ path, value, origin: `${path} in ${file}` });
      } else if (!known.some((name) => name.startsWith(`${path}.`))) {
        faults.push({ code: 'CONFIG_UNKNOWN_KEY', message: `The key "${path}" in ${file} is not known; the nearest is "${nearest(path, known) ?? ''}".` });
      } else if (isGroup(value)) {
        walk(value, `${path}.`);
      } else {
        faults.push({ code: 'CONFIG_INVALID', message: `The key "${path}" in ${file} is a group of settings and must be an object.` });
      }
    }
  };
  walk(content, '');
  return given;
}

/** What Kubernetes sets in every pod for a service named binlog-undo. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_|$)|_PORT(_\d+_(TCP|UDP|SCTP)(_|$)|$)/;

/** Reads the environment; a name with our prefix that is not known is a fault. Empty values count as not given. */
export function environmentLayer(env: NodeJS.ProcessEnv, faults: ConfigFault[]): GivenValue[] {
  const given: GivenValue[] = [];
  const byName = new Map(SETTINGS.map((setting) => [setting.env, setting]));
  const known = [...byName.keys(), ENV_CONFIG_FILE];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || name === ENV_CONFIG_FILE || value === undefined) continue;
    const setting = byName.get(name);
    if (setting === undefined) {
      const link = SERVICE_LINK.test(name) ? ' It looks like a Kubernetes service link: set enableServiceLinks: false in the pod.' : '';
      faults.push({ code: 'CONFIG_UNKNOWN_KEY', message: `The environment variable ${name} is not known; the nearest is ${nearest(name, known) ?? ''}.${link}` });
    } else if (value !== '') {
      given.push({ path: setting.path, value, origin: name });
    }
  }
  return given;
}

/** Takes our long options out of what `parseArgs` returned; options of the command itself are left alone. */
export function flagLayer(flags: Readonly<Record<string, unknown>>): GivenValue[] {
  return SETTINGS.flatMap((setting) => {
    const value = flags[setting.flag];
    if (value === undefined) return [];
    // A list may be repeated, and each occurrence may hold several with commas.
    return [{ path: setting.path, value: Array.isArray(value) ? value.join(',') : value, origin: `--${setting.flag}` }];
  });
}
