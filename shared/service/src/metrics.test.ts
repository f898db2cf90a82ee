import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '@fairway/telemetry';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { addProcessMetrics, metricsAddress, serveMetrics } from './metrics.ts';

const said: string[] = [];
const say = (message: string) => void said.push(message);
const log: Log = { debug: say, info: say, warn: say, error: say, with: () => log };

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await vi.waitUntil(() => server.listening);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('/metrics is told in the format of Prometheus, and nothing else; what ends it ends it', async () => {
  const port = await freePort();
  const at = `127.0.0.1:${port}`;
  const registry = new Registry();
  addProcessMetrics(registry);
  said.length = 0;
  const end = serveMetrics(registry, { host: '127.0.0.1', port }, log);
  await vi.waitUntil(() => said.includes('metrics'));
  const answer = await fetch(`http://${at}/metrics`);
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  expect(await answer.text()).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect((await fetch(`http://${at}/metrics?of=node`)).status).toBe(200);
  expect((await fetch(`http://${at}/`)).status).toBe(404);
  expect((await fetch(`http://${at}/metrics`, { method: 'POST' })).status).toBe(404);
  end();
  await expect(fetch(`http://${at}/metrics`)).rejects.toThrow('fetch failed');
});

test('where it cannot listen it says so once, and goes on once it can', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await vi.waitUntil(() => other.listening);
  const { port } = other.address() as AddressInfo;
  said.length = 0;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  onTestFinished(serveMetrics(new Registry(), { host: '127.0.0.1', port }, log));
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };
  await until(() => vi.getTimerCount() === 1);
  await vi.advanceTimersByTimeAsync(10_000);
  await until(() => vi.getTimerCount() === 1);
  other.close();
  await until(() => !other.listening);
  await vi.advanceTimersByTimeAsync(10_000);
  await until(() => said.includes('metrics'));
  expect(said).toEqual(['nobody can ask for metrics; trying again', 'metrics']);
});

test('off is nowhere; what is no address is refused, with the name of the setting', () => {
  const at = (given: string) => metricsAddress({ setting: () => given });
  expect(at('off')).toBeUndefined();
  expect(at('127.0.0.1:9464')).toEqual({ host: '127.0.0.1', port: 9464 });
  expect(() => at('9464')).toThrow('FAIRWAY_METRICS_LISTEN is 9464');
});
