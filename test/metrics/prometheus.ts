import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, toolCommand } from '../../deploy/provision/index.ts';

export type Sample = Readonly<Record<string, string>>;

/** Every series of an exposition, by name, with its labels and its value. */
export function parseExposition(text: string): Map<string, { readonly labels: Sample; readonly value: number }[]> {
  const found = new Map<string, { labels: Sample; value: number }[]>();
  for (const line of text.split('\n').filter((candidate) => candidate !== '' && !candidate.startsWith('#'))) {
    const [, name, labels, value] = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a sample: ${line}`);
    const parsed = Object.fromEntries([...(labels ?? '').matchAll(/([a-z_][a-z0-9_]*)="((?:[^"\\]|\\.)*)"/gi)].map((match) => [match[1]!, match[2]!]));
    found.set(name, [...(found.get(name) ?? []), { labels: parsed, value: Number(value) }]);
  }
  return found;
}

/** A Prometheus that scrapes one target every second. Ended, with its data, when its scope ends. */
export class Prometheus implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #address: string;

  private constructor(child: ChildProcess, folder: string, address: string) {
    this.#child = child;
    this.#folder = folder;
    this.#address = address;
  }

  static async start(target: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-prometheus-'));
    const address = `127.0.0.1:${await freePort()}`;
    const configuration = { global: { scrape_interval: '1s' }, scrape_configs: [{ job_name: 'binlog-undo', static_configs: [{ targets: [target] }] }] };
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(configuration));
    const tool = await toolCommand('prometheus', 'usr/bin/prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${address}`,
    ]);
    return new Prometheus(spawn(tool.command, tool.args, { env: tool.env, stdio: 'ignore' }), folder, address);
  }

  /** The value of an expression that gives one number; null while it gives nothing. */
  async value(expression: string): Promise<number | null> {
    const answer = await fetch(`http://${this.#address}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(() => null);
    if (!answer?.ok) return null;
    const { data } = await answer.json() as { data: { result: { value: [number, string] }[] } };
    return data.result[0] ? Number(data.result[0].value[1]) : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
