import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '@fairway/telemetry';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openMetrics, serveMetrics } from './metrics.ts';

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
  const at = `127.0.0.1:${await freePort()}`;
  said.length = 0;
  const end = serveMetrics(openMetrics(), at, log);
  await vi.waitUntil(() => said.includes('metrics'));
  const answer = await fetch(`http://${at}/metrics`);
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  expect(await answer.text()).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect((await fetch(`http://${at}/`)).status).toBe(404);
  expect((await fetch(`http://${at}/metrics`, { method: 'POST' })).status).toBe(404);
  end();
  await expect(fetch(`http://${at}/metrics`)).rejects.toThrow('fetch failed');
});

test('where it cannot listen it says so, and goes on', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await vi.waitUntil(() => other.listening);
  said.length = 0;
  onTestFinished(serveMetrics(openMetrics(), `127.0.0.1:${(other.address() as AddressInfo).port}`, log));
  await vi.waitUntil(() => said.length > 0);
  expect(said).toEqual(['nobody can ask for metrics']);
});

test('off is off', () => {
  said.length = 0;
  serveMetrics(openMetrics(), 'off', log)();
  expect(said).toEqual([]);
});
