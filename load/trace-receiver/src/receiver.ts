/**
 * Receives traces in OTLP over HTTP, as JSON, and prints each span on a line. A program of its own, to be started in
 * the network namespace where the processes look for it: `node receiver.ts ADDRESS PORT`. https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import type { ReceivedSpan } from './receive-traces.ts';

type Attribute = { key: string; value: { stringValue?: string; intValue?: number | string; doubleValue?: number } };
type OtlpSpan = Omit<ReceivedSpan, 'service' | 'attributes' | 'events' | 'links'> & {
  attributes?: Attribute[];
  events?: { name: string; timeUnixNano: string }[];
  links?: { spanId: string }[];
};
type Request = {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: OtlpSpan[] }[] }[];
};

const plain = (attributes: Attribute[] = []) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue ?? value.doubleValue)]),
  );

function received({ attributes, events = [], links = [], ...span }: OtlpSpan, service: string): ReceivedSpan {
  return {
    ...span,
    service,
    attributes: plain(attributes),
    events: Object.fromEntries(events.map(({ name, timeUnixNano }) => [name, timeUnixNano])),
    links: links.map(({ spanId }) => spanId),
  };
}

const [address = '', port = ''] = process.argv.slice(2);
const server = createServer(async (request, response) => {
  // Who sends may be killed while it does.
  const body = (await json(request).catch(() => undefined)) as Request | undefined;
  if (!body) {
    response.writeHead(400).end();
    return;
  }
  const { resourceSpans } = body;
  for (const { resource, scopeSpans } of resourceSpans) {
    const service = plain(resource.attributes)['service.name'];
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      process.stdout.write(`${JSON.stringify(received(span, `${service}`))}\n`);
    }
  }
  response.setHeader('content-type', 'application/json').end('{}');
});
server.listen(Number(port), address, () => process.stdout.write('listening\n'));
process.stdin.resume().on('end', () => process.exit(0));
