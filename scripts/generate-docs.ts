/**
 * Writes docs/errors.md, docs/configuration.md, docs/cli.md, docs/openapi.json, docs/metrics.md, the chart's schema and the Grafana
 * dashboard from what the program itself uses.
 * `npm run docs` writes; test/config/docs.test.ts compares.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS, type SettingInfo } from '../src/config/schema.ts';
import { ERRORS } from '../src/core/errors.ts';
import { cliPage, openApiPage } from './generate-reference.ts';
import { grafanaDashboard } from './grafana-dashboard.ts';
import { helmSchema } from './helm-schema.ts';
import { metricsPage } from './metrics-page.ts';

const MADE = '<!-- Made by npm run docs; edit the table in the source instead. -->';

/** A table cell: one line, no pipes. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');

function errors(): string {
  const rows = Object.entries(ERRORS).map(([code, { exit, http, fix }]) => `| \`${code}\` | ${exit} | ${http} | ${cell(fix)} |`);
  return `${[
    '# Errors',
    '',
    MADE,
    '',
    'Every failure that a user can meet has a code. The command line prints `CODE: what happened. What to do.` on standard error;',
    'HTTP answers with problem+json that carries the same code. Exit codes: 1 failure, 2 usage, 3 refused.',
    '',
    '| code | exit | HTTP | what to do |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')}\n`;
}

function allowed(format: SettingInfo['format']): string {
  if (typeof format !== 'string') return format.map((value) => `\`${value}\``).join(', ');
  return ALLOWED[format];
}

const ALLOWED: Readonly<Record<Extract<SettingInfo['format'], string>, string>> = {
  text: 'text',
  host: 'host name or IP address',
  serverPort: '1 to 65535',
  listenPort: '0 to 65535',
  serverId: '1 to 4294967295',
  byteCount: '64 to 16000000',
  smallCount: '1 to 1000',
  days: '0 to 36500',
  seconds: '0 to 604800',
  entries: '0 to 100000000',
  byteSize: 'bytes, or a number with `K`, `M`, `G`, `T`',
  retentionList: '`database=DAYS`, `database.table=DAYS`',
  switch: '`true`, `false`',
  alias: 'up to 64 letters, digits, `.`, `_`, `:`, `-`',
  databaseName: 'a database name',
  databaseList: 'database names',
  tableList: 'tables as `database.table`',
  brokerList: 'brokers as `host:port`',
  maskList: '`database.table.column=null`, `=hash`',
  topicPrefix: 'up to 100 letters, digits, `.`, `_`, `-`',
  startPosition: '`earliest`, `latest`, `file:offset`, a GTID set',
};

function defaultOf({ default: value, sensitive }: SettingInfo): string {
  if (value === '' || value === null || sensitive === true || (Array.isArray(value) && value.length === 0)) return 'empty';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function configuration(): string {
  const rows = SETTINGS.map((setting) => {
    const names = `\`${setting.path}\`<br>\`${setting.env}\`<br>\`--${setting.flag}\``;
    return `| ${names} | ${defaultOf(setting)} | ${allowed(setting.format)} | ${cell(setting.doc)} |`;
  });
  return `${[
    '# Configuration',
    '',
    MADE,
    '',
    'Settings come from, later ones winning: the defaults, a JSON file (`--config FILE` or `BINLOG_UNDO_CONFIG`), the environment, long options.',
    'An unknown key in the file or an unknown `BINLOG_UNDO_` name is an error that names the nearest known one; all faults are told at once.',
    'An empty environment variable counts as not set. Every option takes a value (`--source-tls-enabled true`); list options may be repeated,',
    'and in the environment a list has commas between its members. A password and its file replace each other from layer to layer.',
    'Files that hold secrets are read again at each connect.',
    '',
    '```json',
    '{ "source": { "host": "db1", "user": "undo", "passwordFile": "/run/secrets/source" }, "backup": { "host": "db2", "user": "undo" } }',
    '```',
    '',
    '| key, environment, option | default | values | meaning |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')}\n`;
}

/** The generated pages: path from the root of the project, and content. */
export const PAGES: ReadonlyMap<string, string> = new Map([
  ['docs/errors.md', errors()], ['docs/configuration.md', configuration()], ['docs/cli.md', cliPage()], ['docs/openapi.json', openApiPage()],
  ['docs/metrics.md', metricsPage(MADE, cell)], ['helm/binlog-undo/values.schema.json', helmSchema()],
  ['deploy/grafana/binlog-undo.json', grafanaDashboard()], ['helm/binlog-undo/dashboard.json', grafanaDashboard()],
]);

if (process.argv[1] === import.meta.filename) {
  for (const [path, content] of PAGES) writeFileSync(join(import.meta.dirname, '..', path), content);
}
