import type { Config } from '../../config/config.ts';
import type { Logger } from '../../core/log.ts';
import { DaemonMetrics } from '../../metrics/daemon-metrics.ts';
import { serveMetrics, type MetricsServer } from '../../metrics/server.ts';
import { sampleLedger } from './ledger-sampler.ts';

/** The daemon's metrics and, where a port is set, what serves them. */
export class MetricsSide implements AsyncDisposable {
  readonly metrics: DaemonMetrics;
  readonly #over = new AbortController();
  #server: MetricsServer | null = null;

  private constructor(metrics: DaemonMetrics) {
    this.metrics = metrics;
  }

  /** @throws UndoError CONFIG_INVALID when the port cannot be listened on. */
  static async open(config: Config<'source' | 'backup'>, version: string, log: Logger): Promise<MetricsSide> {
    const side = new MetricsSide(new DaemonMetrics(config.source.alias, version));
    if (config.metrics.port === 0) return side;
    side.#server = await serveMetrics(config.admin.host, config.metrics.port, side.metrics);
    void sampleLedger(config, side.metrics, side.#over.signal);
    log.info({ event: 'metrics_listening', host: config.admin.host, port: side.#server.port }, 'Metrics are served');
    return side;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#server?.close();
  }
}
