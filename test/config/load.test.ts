import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect, parseArgs } from 'node:util';
import type { Config, Need } from '../../src/config/config.ts';
import { ConfigError, loadConfig, type ConfigInput } from '../../src/config/load.ts';
import { SETTINGS, flagOptions } from '../../src/config/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'undo-config-'));
after(() => rmSync(folder, { recursive: true }));

function file(content: unknown, name = 'config.json'): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function load(input: Partial<ConfigInput<Need>>): Config {
  return loadConfig({ env: {}, needs: [], ...input });
}

function faultsOf(input: Partial<ConfigInput<Need>>): ConfigError {
  try {
    load(input);
  } catch (error) {
    assert.ok(error instanceof ConfigError, inspect(error));
    return error;
  }
  assert.fail('no fault was found');
}

describe('configuration layers', () => {
  it('has defaults, and no server that nobody named', () => {
    const config = load({});
    assert.equal(config.source, null);
    assert.equal(config.backup, null);
    assert.equal(config.ledger, 'binlog_undo');
    assert.deepEqual(config.startPosition, { kind: 'latest' });
    assert.equal(config.onGap, 'stop');
  });

  it('lets flags win over the environment, and that over the file', () => {
    const path = file({ source: { host: 'file', port: 1111, user: 'file' }, ledger: 'file_ledger' });
    const env = { BINLOG_UNDO_SOURCE_PORT: '2222', BINLOG_UNDO_SOURCE_HOST: 'environment' };
    const { values } = parseArgs({ args: ['--source-host', 'flag'], options: flagOptions('common') });
    const config = load({ file: path, env, flags: values });
    assert.deepEqual([config.source?.endpoint.host, config.source?.endpoint.port, config.source?.endpoint.user, config.ledger], ['flag', 2222, 'file', 'file_ledger']);
  });

  it('finds the file through the environment, and ignores empty variables and those of others', () => {
    const path = file({ ledger: 'named' });
    assert.equal(load({ env: { BINLOG_UNDO_CONFIG: path, BINLOG_UNDO_LEDGER: '', HOME: '/' } }).ledger, 'named');
  });

  it('reads lists from commas, from repeated options and from JSON arrays', () => {
    assert.deepEqual(load({ env: { BINLOG_UNDO_INCLUDE_DATABASE: 'a, b' } }).filters.includeDatabases, ['a', 'b']);
    const { values } = parseArgs({ args: ['--exclude-table', 'a.b', '--exclude-table', '`c.d`.e'], options: flagOptions('daemon') });
    assert.deepEqual(load({ flags: values }).filters.excludeTables, ['a.b', 'c.d.e']);
    assert.deepEqual(load({ file: file({ includeTables: ['x.y'] }) }).filters.includeTables, ['x.y']);
  });

  it('is frozen to the depth', () => {
    const config = load({ env: { BINLOG_UNDO_SOURCE_HOST: 'h', BINLOG_UNDO_INCLUDE_DATABASE: 'a' } });
    for (const part of [config, config.source, config.source?.endpoint, config.filters, config.filters.includeDatabases, config.admin]) assert.ok(Object.isFrozen(part));
  });

  it('gives every setting an own environment name and option', () => {
    assert.equal(new Set(SETTINGS.map((setting) => setting.env)).size, SETTINGS.length);
    assert.equal(new Set(SETTINGS.map((setting) => setting.flag)).size, SETTINGS.length);
    for (const setting of SETTINGS) assert.match(setting.env, /^BINLOG_UNDO_[A-Z_]+$/);
    assert.equal('start-position' in flagOptions('common'), false, 'script has a --start-position of its own');
  });
});

describe('start positions', () => {
  const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
  for (const [text, expected] of [
    ['earliest', { kind: 'earliest' }],
    ['binlog.000012:4', { kind: 'position', position: { file: 'binlog.000012', offset: 4 } }],
    [`${uuid}:1-5:9, ${uuid}:tag:1`, { kind: 'gtid', set: `${uuid}:1-5:9,${uuid}:tag:1` }],
    ['0-1-100,1-2-3', { kind: 'gtid', set: '0-1-100,1-2-3' }],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(load({ env: { BINLOG_UNDO_START_POSITION: text } }).startPosition, expected));
  }

  for (const text of ['first', 'binlog.12:4', 'binlog.000012', 'binlog.000012:x', `${uuid}:`, '0-1', `0-1-2,${uuid}:1`]) {
    it(`refuses ${text}`, () => {
      const error = faultsOf({ env: { BINLOG_UNDO_START_POSITION: text } });
      assert.equal(error.code, 'CONFIG_INVALID');
      assert.match(error.message, /^BINLOG_UNDO_START_POSITION: must be "earliest", "latest"/);
    });
  }
});

describe('configuration faults', () => {
  it('names the nearest known variable', () => {
    const error = faultsOf({ env: { BINLOG_UNDO_SORUCE_HOST: 'h' } });
    assert.equal(error.code, 'CONFIG_UNKNOWN_KEY');
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /BINLOG_UNDO_SORUCE_HOST is not known; the nearest is BINLOG_UNDO_SOURCE_HOST\./);
  });

  it('explains Kubernetes service links', () => {
    for (const name of ['BINLOG_UNDO_PORT', 'BINLOG_UNDO_PORT_8780_TCP_ADDR', 'BINLOG_UNDO_SERVICE_HOST', 'BINLOG_UNDO_SERVICE_PORT_HTTP']) {
      assert.match(faultsOf({ env: { [name]: 'tcp://10.0.0.1:8780' } }).message, /enableServiceLinks: false/);
    }
    assert.doesNotMatch(faultsOf({ env: { BINLOG_UNDO_LEGER: 'x' } }).message, /Kubernetes/);
  });

  it('names the nearest key, and groups that are no objects', () => {
    const error = faultsOf({ file: file({ source: { hots: 'h' }, backup: 'db2', metrics: { port: 9000 } }) });
    assert.equal(error.faults.length, 2);
    assert.match(error.faults[0]!, /"source\.hots" .* nearest is "source\.host"/);
    assert.match(error.faults[1]!, /"backup" .* group/);
  });

  it('tells all faults at once, each with the name under which the value was given', () => {
    const error = faultsOf({
      file: file({ ledger: 'a/b', projection: { enabled: 'perhaps' } }),
      env: { BINLOG_UNDO_SOURCE_PORT: '12ab', BINLOG_UNDO_ON_GAP: 'ignore' },
      flags: { 'statement-text-limit': '1e9' },
    });
    assert.equal(error.faults.length, 5);
    for (const part of ['ledger in ', 'projection.enabled in ', 'BINLOG_UNDO_SOURCE_PORT: must be a port number from 1 to 65535, not "12ab".', 'BINLOG_UNDO_ON_GAP', '--statement-text-limit']) {
      assert.ok(error.faults.some((fault) => fault.includes(part)), `${part} in ${error.message}`);
    }
  });

  it('refuses a file that is not there or no JSON', () => {
    assert.match(faultsOf({ file: join(folder, 'none.json') }).message, /none\.json" cannot be read/);
    assert.match(faultsOf({ file: file('{ "ledger": ', 'half.json') }).message, /half\.json" cannot be read as JSON/);
    assert.match(faultsOf({ file: file('[]', 'list.json') }).message, /must hold one JSON object/);
  });

  it('refuses numbers of the wrong kind without correcting them', () => {
    for (const port of ['0', '65536', '-1', '3306.5', '0x10', ' ', '33 06']) {
      assert.equal(faultsOf({ env: { BINLOG_UNDO_SOURCE_PORT: port } }).code, 'CONFIG_INVALID', port);
    }
    assert.equal(load({ env: { BINLOG_UNDO_ADMIN_PORT: '0' } }).admin.port, 0);
  });

  it('asks for the servers that the command needs', () => {
    assert.equal(faultsOf({ needs: ['backup'] }).code, 'CONFIG_BACKUP_MISSING');
    assert.match(faultsOf({ needs: ['source'] }).message, /BINLOG_UNDO_SOURCE_HOST/);
    assert.match(faultsOf({ needs: ['source'], env: { BINLOG_UNDO_SOURCE_HOST: 'h' } }).message, /BINLOG_UNDO_SOURCE_USER/);
    assert.equal(faultsOf({ needs: ['source', 'backup'] }).faults.length, 2);
  });

  it('wants a token where others can reach the API', () => {
    assert.match(faultsOf({ env: { BINLOG_UNDO_ADMIN_HOST: '0.0.0.0' } }).message, /needs a token/);
    assert.equal(load({ env: { BINLOG_UNDO_ADMIN_HOST: '0.0.0.0', BINLOG_UNDO_ADMIN_TOKEN: 't', BINLOG_UNDO_ADMIN_ALLOW_PLAIN: 'true' } }).admin.token(), 't');
    assert.match(faultsOf({ env: { BINLOG_UNDO_ADMIN_HOST: '0.0.0.0', BINLOG_UNDO_ADMIN_TOKEN: 't' } }).message, /would speak plain HTTP/);
    assert.equal(load({ env: { BINLOG_UNDO_ADMIN_HOST: '0.0.0.0', BINLOG_UNDO_ADMIN_TOKEN: 't', BINLOG_UNDO_ADMIN_TLS_CERT: '/c', BINLOG_UNDO_ADMIN_TLS_KEY: '/k' } }).admin.tls?.key, '/k');
    assert.equal(load({ env: { BINLOG_UNDO_ADMIN_HOST: '::1' } }).admin.token(), null);
    assert.equal(load({ env: { BINLOG_UNDO_ADMIN_HOST: '0.0.0.0', BINLOG_UNDO_ADMIN_PORT: '0' } }).admin.port, 0);
  });
});

describe('secrets in the configuration', () => {
  const env = { BINLOG_UNDO_SOURCE_HOST: 'h', BINLOG_UNDO_SOURCE_USER: 'u' };

  it('reads a password file again at each use, without its line end', () => {
    const path = file('first\n', 'password');
    const endpoint = loadConfig({ env: { ...env, BINLOG_UNDO_SOURCE_PASSWORD_FILE: path }, needs: ['source'] }).source.endpoint;
    assert.equal(endpoint.password(), 'first');
    writeFileSync(path, ' second ');
    assert.equal(endpoint.password(), ' second ');
  });

  it('names the file that cannot be read', () => {
    const error = faultsOf({ env: { ...env, BINLOG_UNDO_SOURCE_PASSWORD_FILE: join(folder, 'nowhere') }, needs: ['source'] });
    assert.match(error.message, /nowhere" that source\.passwordFile names cannot be read/);
  });

  it('refuses both in one layer, and lets the later layer win', () => {
    const path = file('from file', 'password');
    assert.match(faultsOf({ env: { ...env, BINLOG_UNDO_SOURCE_PASSWORD: 'sesame', BINLOG_UNDO_SOURCE_PASSWORD_FILE: path } }).message, /both set/);
    const config = load({ env: { ...env, BINLOG_UNDO_SOURCE_PASSWORD: 'sesame' }, flags: { 'source-password-file': path } });
    assert.equal(config.source?.endpoint.password(), 'from file');
  });

  it('shows none when a configuration is printed or refused', () => {
    const secrets = { BINLOG_UNDO_SOURCE_PASSWORD: 'sesame-1', BINLOG_UNDO_BACKUP_PASSWORD: 'sesame-2', BINLOG_UNDO_ADMIN_TOKEN: 'sesame-3' };
    const config = load({ env: { ...env, ...secrets } });
    assert.doesNotMatch(inspect(config, { depth: 10 }) + JSON.stringify(config), /sesame/);
    const error = faultsOf({ file: file({ source: { password: 4711_4711 } }), env: { BINLOG_UNDO_ADMIN_TOKEN: 'sesame', BINLOG_UNDO_ADMIN_PORT: 'x' } });
    assert.doesNotMatch(inspect(error), /sesame|47114711/);
  });
});
