/**
 * Receives traces in OTLP over HTTP, as JSON, and prints each span on a line. A program of its own, to be started in
 * the network namespace where the processes look for it: `node trace-receiver.ts ADDRESS PORT`.
 */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import type { ReceivedSpan } from './received-traces.ts';

type Attribute = { key: string; value: { stringValue?: string; intValue?: number | string; doubleValue?: number } };
type OtlpSpan = Omit<ReceivedSpan, 'service' | 'attributes' | 'events'> & {
  attributes?: Attribute[];
  events?: { name: string }[];
};
type Request = {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: OtlpSpan[] }[] }[];
};

const plain = (attributes: Attribute[] = []) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue ?? value.doubleValue)]),
  );

const [address = '', port = ''] = process.argv.slice(2);
const server = createServer(async (request, response) => {
  const { resourceSpans } = (await json(request)) as Request;
  for (const { resource, scopeSpans } of resourceSpans) {
    const service = plain(resource.attributes)['service.name'];
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      const events = (span.events ?? []).map(({ name }) => name);
      process.stdout.write(`${JSON.stringify({ ...span, service, attributes: plain(span.attributes), events })}\n`);
    }
  }
  response.setHeader('content-type', 'application/json').end('{}');
});
server.listen(Number(port), address, () => process.stdout.write('listening\n'));
process.stdin.resume().on('end', () => process.exit(0));
