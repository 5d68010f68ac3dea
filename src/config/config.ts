import type { ServerEndpoint } from '../core/mysql.ts';
import type { ColumnMask, RetentionOverride, StartPosition } from './formats.ts';

export interface SourceSettings {
  readonly endpoint: ServerEndpoint;
  /** As configured, else `host:port`. */
  readonly alias: string;
  /** False: no alias is configured, and the backup databases are named after host and port. */
  readonly aliasGiven: boolean;
  /** Null: derived from the alias. */
  readonly serverId: number | null;
}

export interface BackupSettings {
  readonly endpoint: ServerEndpoint;
}

/** Empty lists do not restrict; exclusion wins over inclusion. Tables are `schema.table`, without quotes. */
export interface FilterSettings {
  readonly includeDatabases: readonly string[];
  readonly includeTables: readonly string[];
  readonly excludeDatabases: readonly string[];
  readonly excludeTables: readonly string[];
}

export interface RetentionSettings {
  /** Null: history is kept for ever. */
  readonly days: number | null;
  readonly maxBytes: number | null;
  readonly overrides: readonly RetentionOverride[];
  /** Free bytes in a table, and half of its file, from which on it is rebuilt; null: never. */
  readonly shrinkAbove: number | null;
  /** Of plans and scripts, in days and in number; null: no such bound. */
  readonly historyDays: number | null;
  readonly historyEntries: number | null;
  /** Seconds between two runs in the daemon; null: none. */
  readonly intervalSeconds: number | null;
}

export type Need = 'source' | 'backup';

export interface KafkaConfig {
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly topics: 'table' | 'single';
  readonly maxRecordBytes: number;
  readonly onLarge: 'stop' | 'skip';
  readonly transactionMetadata: boolean;
  readonly masks: readonly ColumnMask[];
  readonly maskSalt: () => string;
  readonly tls: { readonly ca: string | null; readonly verify: boolean } | null;
  readonly sasl: { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly user: string; readonly password: () => string } | null;
}

export interface AdminSettings {
  readonly host: string;
  readonly port: number;
  readonly token: () => string | null;
  /** Path; null: none. */
  readonly tokensFile: string | null;
  /** Paths of PEM files; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string | null } | null;
  readonly maxScripts: number;
}

interface AnyConfig {
  readonly source: SourceSettings | null;
  readonly backup: BackupSettings | null;
  readonly ledger: string;
  readonly startPosition: StartPosition;
  readonly filters: FilterSettings;
  readonly skipCopies: boolean;
  readonly onGap: 'stop' | 'record';
  readonly admin: AdminSettings;
  readonly metrics: { readonly port: number };
  /** Null: nothing is sent to Kafka. */
  readonly kafka: KafkaConfig | null;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly projection: { readonly enabled: boolean; readonly ddl: boolean; readonly pack: number };
  readonly retention: RetentionSettings;
  /** Bytes of SQL text in the information table. */
  readonly statementTextLimit: number;
  readonly updateForm: 'changed' | 'full';
  /** Every setting by its key, secrets masked: for `--print-config` and the start-up log line. */
  readonly printable: Readonly<Record<string, unknown>>;
}

/**
 * The whole configuration, frozen. `N` names the servers that the command cannot do without: they are never null.
 * Secrets stand behind functions, so that printing a Config shows none.
 */
export type Config<N extends Need = never> = AnyConfig & { readonly [K in N]: NonNullable<AnyConfig[K]> };
