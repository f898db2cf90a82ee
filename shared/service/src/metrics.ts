import { createServer } from 'node:http';
import { describe, type Log } from '@fairway/telemetry';
import { collectDefaultMetrics, type Registry } from 'prom-client';
import { type ListenAddress, listenAddress } from './listen-address.ts';
import type { ServiceContext, Setting } from './service-context.ts';

/** Port 9464 as OpenTelemetry's exporters for Prometheus have it (https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/prometheus/). */
export const metricsSetting: Setting = {
  name: 'FAIRWAY_METRICS_LISTEN',
  meaning: 'address and port of /metrics, for Prometheus; off for none',
  standard: '127.0.0.1:9464',
};

/** Where another program has the address, or it is not there yet, it is tried again. */
const retryMs = 10_000;

/** Where metrics are to be told; undefined for nowhere. @throws {ListenAddressInvalid} */
export function metricsAddress({ setting }: Pick<ServiceContext, 'setting'>): ListenAddress | undefined {
  const given = setting(metricsSetting.name);
  return given === 'off' ? undefined : listenAddress(metricsSetting.name, given);
}

/** Adds what Node tells of a process: memory, event loop, garbage. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}

/**
 * Serves a process's metrics over HTTP and returns what ends it. Where it cannot listen it says so once, and tries again: a mesh
 * does not stand still for its metrics.
 */
export function serveMetrics(registry: Registry, address: ListenAddress, log: Log): () => void {
  const at = `${address.host ?? ''}:${address.port}`;
  let said = false;
  let retry: NodeJS.Timeout | undefined;
  const server = createServer(async (request, response) => {
    if (request.url?.split('?')[0] !== '/metrics' || request.method !== 'GET') {
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
  const listen = () => server.listen(address);
  server.on('listening', () => log.info('metrics', { at }));
  server.on('error', (error) => {
    if (!said) log.warn('nobody can ask for metrics; trying again', { at, reason: describe(error) });
    said = true;
    retry = setTimeout(listen, retryMs).unref();
  });
  server.unref();
  listen();
  return () => {
    clearTimeout(retry);
    server.close();
    server.closeAllConnections();
  };
}
