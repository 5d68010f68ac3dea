import { readFileSync } from 'node:fs';
import { UndoError, reasonOf } from '../core/errors.ts';
import { hostPort, type ServerEndpoint, type TlsSettings } from '../core/mysql.ts';
import type { Config, KafkaConfig, SourceSettings } from './config.ts';
import { parseByteSize, parseMask, parseRetention, parseStartPosition, parseTableName } from './formats.ts';
import type { Values } from './schema.ts';

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Turns validated values into the typed configuration. */
export function assemble(values: Values, printable: Record<string, unknown>): Config {
  return deepFreeze({
    source: sourceSettings(values),
    backup: values.backup.host === '' ? null : { endpoint: endpoint('backup', values.backup) },
    ledger: values.ledger,
    startPosition: parseStartPosition(values.startPosition)!,
    filters: {
      includeDatabases: values.includeDatabases,
      includeTables: tables(values.includeTables),
      excludeDatabases: values.excludeDatabases,
      excludeTables: tables(values.excludeTables),
    },
    skipCopies: values.skipCopies,
    onGap: values.onGap as Config['onGap'],
    admin: {
      host: values.admin.host,
      port: values.admin.port,
      token: () => secret(values.admin.token, values.admin.tokenFile, 'admin.tokenFile') || null,
      tokensFile: values.admin.tokensFile || null,
      tls: values.admin.tls.cert === '' ? null : { cert: values.admin.tls.cert, key: values.admin.tls.key, clientCa: values.admin.tls.clientCa || null },
      maxScripts: values.admin.maxScripts,
    },
    metrics: { port: values.metrics.port },
    kafka: kafkaSettings(values.kafka),
    logLevel: values.logLevel as Config['logLevel'],
    projection: { enabled: values.projection.enabled, ddl: values.projection.ddl, pack: values.projection.pack },
    retention: {
      days: values.retention.days === 0 ? null : values.retention.days,
      maxBytes: parseByteSize(values.retention.maxBytes),
      overrides: values.retention.overrides.map((text) => parseRetention(text)!),
      shrinkAbove: parseByteSize(values.retention.shrinkAbove),
      historyDays: values.retention.historyDays || null,
      historyEntries: values.retention.historyEntries || null,
      intervalSeconds: values.retention.intervalSeconds === 0 ? null : values.retention.intervalSeconds,
    },
    statementTextLimit: values.statementTextLimit,
    updateForm: values.updateForm as Config['updateForm'],
    printable,
  });
}

function sourceSettings(values: Values): SourceSettings | null {
  const { source } = values;
  if (source.host === '') return null;
  return {
    endpoint: endpoint('source', source),
    alias: source.alias === '' ? hostPort(source) : source.alias,
    aliasGiven: source.alias !== '',
    serverId: source.serverId,
  };
}

function endpoint(role: ServerEndpoint['role'], values: Values['backup']): ServerEndpoint {
  return {
    role,
    host: values.host,
    port: values.port,
    user: values.user,
    password: () => secret(values.password, values.passwordFile, `${role}.passwordFile`),
    tls: tls(values.tls),
  };
}

function tls(values: Values['backup']['tls']): TlsSettings | null {
  if (!values.enabled) return null;
  return { ca: values.ca || null, cert: values.cert || null, key: values.key || null, verify: values.verify };
}

function kafkaSettings(values: Values['kafka']): KafkaConfig | null {
  const { brokers, topicPrefix, topics, maxRecordBytes, onLarge, transactionMetadata, sasl } = values;
  if (brokers.length === 0) return null;
  return {
    brokers, topicPrefix, topics: topics as KafkaConfig['topics'], maxRecordBytes, onLarge: onLarge as KafkaConfig['onLarge'], transactionMetadata,
    masks: values.mask.map((text) => parseMask(text)!), maskSalt: () => secret(values.maskSalt, values.maskSaltFile, 'kafka.maskSaltFile'),
    tls: values.tls.enabled ? { ca: values.tls.ca || null, verify: values.tls.verify } : null,
    sasl: sasl.mechanism === 'none' ? null : {
      mechanism: sasl.mechanism as NonNullable<KafkaConfig['sasl']>['mechanism'], user: sasl.user,
      password: () => secret(sasl.password, sasl.passwordFile, 'kafka.sasl.passwordFile'),
    },
  };
}

function secret(value: string, file: string, key: string): string {
  if (file === '') return value;
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new UndoError('CONFIG_INVALID', `The file "${file}" that ${key} names cannot be read: ${reasonOf(error)}.`, { cause: error });
  }
}

function tables(names: readonly string[]): string[] {
  return names.map((name) => parseTableName(name)!);
}

function deepFreeze<T extends object>(value: T): T {
  const children: unknown[] = Object.values(value as Record<string, unknown>);
  for (const child of children) if (typeof child === 'object' && child !== null) deepFreeze(child);
  return Object.freeze(value);
}
