import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runHelm, whyNoHelm } from '../../deploy/provision/index.ts';
import { SETTINGS } from '../../src/config/schema.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CHART = join(ROOT, 'helm', 'binlog-undo');
const GOLDEN = join(import.meta.dirname, 'golden');
const KUBERNETES = ['--kube-version', '1.30.0'];
/** Writes the renders anew instead of comparing them. */
const UPDATE = process.env.UPDATE_GOLDEN === 'true';

const RENDERS = [
  // Without hooks, for those without Helm.
  ['minimal.values.yaml', join(ROOT, 'deploy', 'kubernetes', 'binlog-undo.yaml'), ['--no-hooks']],
  ['full.values.yaml', join(GOLDEN, 'full.yaml'), []],
  ['kafka.values.yaml', join(GOLDEN, 'kafka.yaml'), []],
  ['bare.values.yaml', join(GOLDEN, 'bare.yaml'), []],
] as const;

async function render(values: string, more: readonly string[] = []): Promise<string> {
  const { status, stdout, stderr } = await runHelm(['template', 'undo', CHART, '-f', join(GOLDEN, values), '--skip-tests', ...KUBERNETES, ...more]);
  assert.equal(status, 0, stderr);
  return stdout;
}

const NO_HELM = await whyNoHelm();

describe('the chart', { skip: NO_HELM }, () => {
  for (const [values, stored, more] of RENDERS) {
    it(`lints and renders ${values} as stored`, async () => {
      const lint = await runHelm(['lint', '--strict', CHART, '-f', join(GOLDEN, values), ...KUBERNETES]);
      assert.equal(lint.status, 0, lint.stdout + lint.stderr);
      const made = await render(values, more);
      if (UPDATE) await writeFile(stored, made);
      assert.equal(made, await readFile(stored, 'utf8'), 'run this test with UPDATE_GOLDEN=true and look at the difference');
    });
  }

  it('sets only variables that the daemon knows', async () => {
    const known = new Set(SETTINGS.map(({ env }) => env));
    for (const [values] of RENDERS) {
      for (const [name] of (await render(values)).matchAll(/BINLOG_UNDO_\w+/g)) assert.ok(known.has(name), name);
    }
  });

  it('changes nothing of one source when another one is added', async () => {
    const documents = (text: string): string[] => text.split(/^---$/m).filter((document) => document.includes('binlog-undo/source: shop'));
    const one = documents(await render('minimal.values.yaml'));
    const two = documents(await render('minimal.values.yaml', ['--set', 'sources[1].alias=other,sources[1].host=h,sources[1].user=u,sources[1].existingSecret=s']));
    assert.equal(one.length, 4);
    assert.deepEqual(two, one);
    // Nor of what there is once for all of them.
    const common = (text: string): string[] => text.split(/^---$/m).filter((document) => document.includes('component: serve'));
    assert.deepEqual(common(await render('minimal.values.yaml', ['--set', 'sources[1].alias=other,sources[1].host=h,sources[1].user=u,sources[1].existingSecret=s'])), common(await render('minimal.values.yaml')));
  });

  it('carries the alert rules of deploy/prometheus and a test', async () => {
    assert.equal(await readFile(join(CHART, 'alerts.yaml'), 'utf8'), await readFile(join(ROOT, 'deploy', 'prometheus', 'alerts.yaml'), 'utf8'));
    const { stdout } = await runHelm(['template', 'undo', CHART, '-f', join(GOLDEN, 'minimal.values.yaml'), ...KUBERNETES]);
    assert.match(stdout, /helm\.sh\/hook: test/);
    assert.match(stdout, /helm\.sh\/hook: pre-upgrade/);
  });

  it('carries the dashboard', async () => {
    const made = await render('full.values.yaml');
    const text = /^ {2}binlog-undo\.json: (".*")$/m.exec(made)?.[1] ?? '';
    assert.deepEqual(JSON.parse(JSON.parse(text) as string), JSON.parse(await readFile(join(ROOT, 'deploy', 'grafana', 'binlog-undo.json'), 'utf8')));
  });

  for (const [what, set, said] of [
    ['no source', 'sources=null', /sources/],
    ['an alias that is no name', 'sources[0].alias=Shop_1', /alias.*does not match pattern/],
    ['an alias that the chart needs itself', 'sources[0].alias=serve', /alias/],
    ['two sources of one name', 'sources[1].alias=shop,sources[1].host=h,sources[1].user=u,sources[1].existingSecret=s', /The sources "shop" and "shop" would both be named undo-shop: give each/],
    ['no secret', 'backup.existingSecret=', /existingSecret.*minLength/],
    ['a setting that is a secret', 'sources[0].settings.SOURCE_PASSWORD=x', /additional properties 'SOURCE_PASSWORD' not allowed/],
    ['a setting that has no such value', 'sources[0].settings.UPDATE_FORM=half', /UPDATE_FORM.*must be one of 'changed', 'full'/],
    ['a setting that is out of its range', 'settings.RETENTION_DAYS=-1', /RETENTION_DAYS.*minimum/],
    ['a setting that is not known', 'settings.RETENTION_DAY=7', /additional properties 'RETENTION_DAY' not allowed/],
    ['a start for all sources', 'settings.START_POSITION=earliest', /additional properties 'START_POSITION' not allowed/],
    ['a key that is not known', 'replica=2', /additional properties 'replica' not allowed/],
    ['a variable of ours beside the settings', 'extraEnv[0].name=BINLOG_UNDO_LEDGER,extraEnv[0].value=x', /extraEnv\/0\/name/],
    ['a grace shorter than the drain', 'terminationGracePeriodSeconds=5', /terminationGracePeriodSeconds.*minimum/],
    ['a broker without a port', 'kafka.brokers[0]=kafka', /brokers.*does not match pattern/],
    ['an account on Kafka without its secret', 'kafka.sasl.mechanism=plain', /kafka\.sasl\.mechanism asks for an account: set/],
    ['masks without the secret of their hashes', 'kafka.mask.columns[0]=a.b.c=hash', /kafka\.mask\.columns needs a secret/],
    ['a salt among the settings', 'settings.KAFKA_MASK_SALT=x', /additional properties 'KAFKA_MASK_SALT' not allowed/],
    ['an authority without TLS', 'kafka.tls.caSecret=x', /kafka\.tls\.enabled is false/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { status, stderr } = await runHelm(['template', 'undo', CHART, '-f', join(GOLDEN, 'minimal.values.yaml'), '--set', set, ...KUBERNETES]);
      assert.notEqual(status, 0);
      assert.match(stderr, said);
    });
  }
});
