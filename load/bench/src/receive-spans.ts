/**
 * A small OTLP/HTTP receiver (JSON): prints each span as a line. A program of its own, to be started in the network
 * namespace that the services send from: `node receive-spans.ts ADDRESS PORT`.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import { createServer } from 'node:http';

type Export = { resourceSpans?: { scopeSpans?: { spans?: unknown[] }[] }[] };

const [address, port] = process.argv.slice(2);

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { resourceSpans = [] } = JSON.parse(Buffer.concat(chunks).toString()) as Export;
    const spans = resourceSpans.flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans: held = [] }) => held));
    process.stdout.write(spans.map((span) => `${JSON.stringify(span)}\n`).join(''));
    response.setHeader('content-type', 'application/json').end('{}');
  });
}).listen(Number(port), address);
