/** The chart's values.schema.json: its settings follow from the configuration schema. generate-docs.ts writes it. */
import { ENV_PREFIX, SETTINGS, type SettingInfo } from '../src/config/schema.ts';

type Schema = Readonly<Record<string, unknown>>;

/** What the chart itself sets, and secrets, which belong into a Secret. */
const OWN = /^(SOURCE_(HOST|PORT|USER|ALIAS)|BACKUP_(HOST|PORT|USER)|ADMIN_(HOST|PORT|ALLOW_PLAIN)|METRICS_PORT|LEDGER|KAFKA_(BROKERS|TOPIC_PREFIX|TLS_ENABLED|TLS_CA|SASL_MECHANISM|SASL_USER|MASK))$|(PASSWORD|TOKEN|SALT)(_FILE)?$/;
/** What only one source can mean. */
const PER_SOURCE = /^(SOURCE_|START_POSITION$)/;

const text: Schema = { type: 'string' };
const name: Schema = { type: 'string', minLength: 1 };
const wholeNumber = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum });
const port = wholeNumber(1, 65_535);
const list = (items: Schema): Schema => ({ type: 'array', items });
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({ type: 'object', additionalProperties: false, ...(required.length > 0 && { required }), properties });
const anyObject: Schema = { type: 'object' };

const FORMATS: Readonly<Record<Extract<SettingInfo['format'], string>, Schema>> = {
  text, host: { type: 'string', pattern: '^[^\\s/]*$' }, serverPort: port, listenPort: wholeNumber(0, 65_535), serverId: wholeNumber(1, 4_294_967_295),
  byteCount: wholeNumber(64, 16_000_000), smallCount: wholeNumber(1, 1000), days: wholeNumber(0, 36_500), seconds: wholeNumber(0, 604_800), entries: wholeNumber(0, 100_000_000),
  byteSize: { anyOf: [wholeNumber(1, Number.MAX_SAFE_INTEGER), { type: 'string', pattern: '^(\\d{1,15}[KMGTkmgt]?(i?B)?)?$' }] },
  retentionList: list({ type: 'string', pattern: '^.+=\\d{1,5}$' }), switch: { type: 'boolean' },
  alias: { type: 'string', pattern: '^([A-Za-z0-9][A-Za-z0-9._:-]{0,63})?$' }, databaseName: { type: 'string', pattern: '^[^/\\\\.]{1,64}$' },
  databaseList: list({ type: 'string', minLength: 1, maxLength: 64 }), tableList: list({ type: 'string', pattern: '^.+\\..+$' }),
  brokerList: list({ type: 'string', pattern: '^(\\[[0-9a-fA-F:]+\\]|[^\\s/:\\[\\]]+):\\d{1,5}$' }),
  maskList: list({ type: 'string', pattern: '^.+\\..+\\..+=(null|hash)$' }),
  topicPrefix: { type: 'string', pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$' }, startPosition: name,
};

function ofSetting({ doc, format }: SettingInfo): Schema {
  return { description: doc, ...(typeof format === 'string' ? FORMATS[format] : { enum: format }) };
}

function settings(forOneSource: boolean): Schema {
  const named = SETTINGS.map((setting) => [setting.env.slice(ENV_PREFIX.length), setting] as const)
    .filter(([key]) => !OWN.test(key) && (forOneSource ? !key.startsWith('BACKUP_') : !PER_SOURCE.test(key)));
  return object(Object.fromEntries(named.map(([key, setting]) => [key, ofSetting(setting)])));
}

const formatOf = (env: string): Schema => ofSetting(SETTINGS.find((setting) => setting.env === ENV_PREFIX + env)!);

/** @returns the file's content. */
export function helmSchema(): string {
  const labelSelectors = list(anyObject);
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#', $comment: 'Made by npm run docs from the configuration schema; edit scripts/helm-schema.ts instead.',
    ...object({
      global: anyObject,
      sources: {
        type: 'array', minItems: 1,
        items: object({
          alias: { type: 'string', pattern: '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$', not: { enum: ['serve', 'migrate', 'dashboard'] } },
          host: name, port, user: name, existingSecret: name, settings: settings(true),
        }, ['alias', 'host', 'user', 'existingSecret']),
      },
      settings: settings(false),
      backup: object({ host: name, port, user: name, existingSecret: name }, ['host', 'user', 'existingSecret']),
      ledger: formatOf('LEDGER'),
      admin: object({ port, existingSecret: name }, ['existingSecret']),
      metrics: object({ port, serviceMonitor: { type: 'boolean' }, prometheusRule: { type: 'boolean' }, dashboard: { type: 'boolean' } }),
      kafka: object({
        brokers: formatOf('KAFKA_BROKERS'), topicPrefix: formatOf('KAFKA_TOPIC_PREFIX'),
        tls: object({ enabled: { type: 'boolean' }, caSecret: text }),
        mask: object({ columns: formatOf('KAFKA_MASK'), saltSecret: text }),
        sasl: object({ mechanism: formatOf('KAFKA_SASL_MECHANISM'), user: text, existingSecret: text }),
      }),
      serve: object({ enabled: { type: 'boolean' }, replicas: wholeNumber(1, 9), resources: anyObject }),
      migrate: object({ enabled: { type: 'boolean' }, deadlineSeconds: wholeNumber(30, 86_400) }),
      image: object({
        repository: name, tag: text, pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] }, pullSecrets: list(object({ name }, ['name'])),
      }),
      replicas: wholeNumber(1, 9),
      terminationGracePeriodSeconds: { type: 'integer', minimum: 30, description: 'Longer than the drain at the end of a daemon.' },
      resources: anyObject,
      networkPolicy: object({ enabled: { type: 'boolean' }, ingressFrom: labelSelectors, extraEgress: labelSelectors }),
      podDisruptionBudget: { type: 'boolean' },
      extraEnv: list({
        type: 'object', required: ['name'],
        // Ours have a place of their own, where the schema looks at them.
        properties: { name: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$', not: { pattern: '^BINLOG_UNDO_' } } },
      }),
      extraVolumes: list({ type: 'object', required: ['name'], properties: { name: { type: 'string', not: { enum: ['source', 'backup', 'admin', 'kafka', 'kafka-ca', 'kafka-mask'] } } } }),
      extraVolumeMounts: list({ type: 'object', required: ['name', 'mountPath'] }),
      nodeSelector: anyObject, tolerations: { type: 'array' }, affinity: anyObject,
    }, ['sources', 'backup', 'admin']),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
