import { createServer } from 'node:http';
import { describe, type Log } from '@fairway/telemetry';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { listenAddress } from './listen-address.ts';
import type { Setting } from './service-context.ts';

/** Port 9464 as OpenTelemetry's exporters for Prometheus have it (https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/prometheus/). */
export const metricsSetting: Setting = {
  name: 'FAIRWAY_METRICS_LISTEN',
  meaning: 'address and port of /metrics, for Prometheus; off for none',
  standard: '127.0.0.1:9464',
};

/** What a process counts, with what Node tells of itself. */
export function openMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/**
 * Serves a process's metrics over HTTP and returns what ends it. Where it cannot listen it says so: a mesh does not stand
 * still for its metrics.
 */
export function serveMetrics(registry: Registry, listen: string, log: Log): () => void {
  if (listen === 'off') return () => {};
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end('only GET /metrics is here\n');
      return;
    }
    try {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    } catch (error) {
      log.warn('metrics could not be told', { reason: describe(error) });
      response.writeHead(500).end('the log says why\n');
    }
  });
  server.on('error', (error) => log.warn('nobody can ask for metrics', { listen, reason: describe(error) }));
  server.listen(listenAddress(listen), () => log.info('metrics', { at: listen }));
  server.unref();
  return () => {
    server.close();
    server.closeAllConnections();
  };
}
