import type { Prefix } from './debian-prefix.ts';

/** What the server process is asked to be. */
export interface ServerSettings {
  readonly logBin: boolean;
  readonly gtid: boolean;
  readonly bufferPoolMiB: number;
  readonly serverId: number;
}

/** What differs between MySQL and MariaDB when a private server is made and started. */
export interface FlavourRecipe {
  readonly program: string;
  /** Fills an empty data directory: system tables, accounts, some named time zones. */
  initialise(prefix: Prefix, dataDir: string, extraArgs: readonly string[]): Promise<void>;
  /** Files that must not be in a copy of an initialised data directory. */
  readonly identityFiles: readonly string[];
  /** Options that every start needs, initialisation included. */
  baseArgs(prefix: Prefix): string[];
  /** Options of a running server beyond the common ones. */
  serverArgs(settings: ServerSettings): string[];
}

/** Small, so that a data directory is copied and started quickly; callers that write much pass their own. */
export const REDO_SIZE = '64M';
