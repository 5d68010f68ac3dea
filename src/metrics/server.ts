import { createServer } from 'node:http';
import { once } from 'node:events';
import { UndoError, reasonOf } from '../core/errors.ts';

export interface Exposition {
  readonly contentType: string;
  render(): Promise<string>;
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves `/metrics` and nothing else. @throws UndoError CONFIG_INVALID when the address cannot be listened on. */
export async function serveMetrics(host: string, port: number, exposition: Exposition): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const found = request.url?.split('?')[0] === '/metrics';
    if (!found || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(found ? 405 : 404, { 'content-type': 'text/plain; charset=utf-8' }).end(found ? 'GET only\n' : 'Only /metrics is here\n');
      return;
    }
    exposition.render().then(
      (text) => response.writeHead(200, { 'content-type': exposition.contentType }).end(text),
      (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${reasonOf(error)}\n`),
    );
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new UndoError('CONFIG_INVALID', `/metrics cannot listen on ${host}:${port}: ${reasonOf(error)}.`, { fix: 'Set BINLOG_UNDO_METRICS_PORT to a free port, or to 0 for no metrics.', cause: error });
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
