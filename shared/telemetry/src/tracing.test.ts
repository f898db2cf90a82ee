import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from './log.ts';
import { readTrace } from './trace.ts';
import { startTracing } from './tracing.ts';

async function listen(listener: RequestListener): Promise<{ server: Server; endpoint: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function start(endpoint?: string) {
  const lines: string[] = [];
  const log = createLog('test', {}, { terminal: true, write: (line) => lines.push(line), nowMs: () => 0 });
  const environment = endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
  return startTracing('test', log, environment).then((tracing) => ({ ...tracing, lines }));
}

test('without an endpoint a span is an id in the trace of its parent', async () => {
  const { tracer, lost, stop } = await start();
  const root = tracer.span('root', { kind: 'producer' });
  const child = tracer.span('child', { kind: 'consumer', parent: root.traceparent });
  expect(readTrace(child.traceparent)?.traceId).toBe(readTrace(root.traceparent)?.traceId);
  expect(child.traceparent).not.toBe(root.traceparent);
  const stray = tracer.span('stray', { kind: 'consumer', parent: '00-x' });
  expect(readTrace(stray.traceparent)).toBeDefined();
  child.end();
  await stop();
  expect(lost()).toBe(0);
});

test.each(['collector:4318', '127.0.0.1:4318', 'grpc://collector:4317', 'collector'])(
  '%s is no endpoint: it is said, and the process goes on without traces',
  async (endpoint) => {
    const { tracer, lost, lines, stop } = await start(endpoint);
    tracer.span('root', { kind: 'producer' }).end();
    await stop();
    expect(lost()).toBe(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT is not usable');
  },
);

test('spans reach the receiver as JSON, with kind, parent, links, attributes, events and status', async () => {
  const received: { url: string | undefined; body: unknown }[] = [];
  const { endpoint } = await listen(async (request, response) => {
    received.push({ url: request.url, body: await json(request) });
    response.setHeader('content-type', 'application/json').end('{}');
  });
  const { tracer, lost, stop } = await start(`${endpoint}/`);
  const root = tracer.span('root', { kind: 'producer', startMs: 1_700_000_000_000, attributes: { 'fairway.n': 7 } });
  const other = tracer.span('other', { kind: 'producer' });
  const child = tracer.span('child', { kind: 'client', parent: root.traceparent, links: [other.traceparent, 'none'] });
  child.event('planned');
  child.set({ 'fairway.node': 'n1' });
  child.end({ error: new Error('RuleRejected') });
  root.end();
  await stop();

  expect(received.map(({ url }) => url)).toEqual(['/v1/traces']);
  const from = readTrace(root.traceparent);
  expect(received[0]?.body).toMatchObject({
    resourceSpans: [
      {
        resource: {
          attributes: expect.arrayContaining([{ key: 'service.name', value: { stringValue: 'fairway-test' } }]),
        },
        scopeSpans: [
          {
            spans: [
              {
                name: 'child',
                kind: 3,
                traceId: from?.traceId,
                parentSpanId: from?.spanId,
                links: [{ traceId: readTrace(other.traceparent)?.traceId }],
                attributes: [{ key: 'fairway.node', value: { stringValue: 'n1' } }],
                events: [{ name: 'planned' }],
                status: { code: 2, message: 'RuleRejected' },
              },
              { name: 'root', kind: 4, spanId: from?.spanId, startTimeUnixNano: '1700000000000000000' },
            ],
          },
        ],
      },
    ],
  });
  expect(lost()).toBe(0);
});

test("a receiver that refuses is told with its answer: a wrong path or a missing key is the operator's to mend", async () => {
  const { endpoint } = await listen((request, response) => {
    request.resume();
    response.writeHead(404).end();
  });
  const { tracer, lost, lines, stop } = await start(endpoint);
  tracer.span('root', { kind: 'producer' }).end();
  await stop();
  expect(lost()).toBe(1);
  expect(lines[0]).toMatch(/spans are lost.*reason=.*(404|Not Found)/);
});

test.each([
  ['never answers', async () => (await listen(() => {})).endpoint],
  [
    'is not there',
    async () => {
      const { server, endpoint } = await listen(() => {});
      server.close();
      await once(server, 'close');
      return endpoint;
    },
  ],
])(
  'a receiver that %s costs spans, which are counted and told once, and at most a moment at the end',
  async (_, open) => {
    const { tracer, lost, lines, stop } = await start(await open());
    const beganMs = performance.now();
    for (let n = 0; n < 5_000; n++) tracer.span('many', { kind: 'internal' }).end();
    const madeMs = performance.now() - beganMs;
    expect(madeMs).toBeLessThan(1_000);
    await stop();
    expect(performance.now() - beganMs - madeMs).toBeLessThan(4_000);
    await expect.poll(lost, { timeout: 5_000 }).toBe(5_000);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('spans are lost');
  },
);
