import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A span as OTLP has it in JSON, its attributes, events and links made plain. Times are nanoseconds since 1970. */
export type ReceivedSpan = {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** When each of its events was, by name. */
  readonly events: Readonly<Record<string, string>>;
  /** The spans that it is linked to. */
  readonly links: readonly string[];
};

const program = fileURLToPath(new URL('receiver.ts', import.meta.url));

/** Receives traces in a network namespace from now on, at a URL on one of its addresses; `spans` grows. */
export async function receiveTraces(
  namespace: string,
  url: string,
): Promise<{ readonly spans: readonly ReceivedSpan[]; readonly end: () => Promise<void> }> {
  const { hostname, port } = new URL(url);
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, program, hostname, port], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const spans: ReceivedSpan[] = [];
  const lines = createInterface(child.stdout);
  await Promise.race([
    once(lines, 'line'),
    closed.then(([status]) => Promise.reject(new Error(`the receiver ended with status ${status}`))),
  ]);
  lines.on('line', (line) => spans.push(JSON.parse(line) as ReceivedSpan));
  return {
    spans,
    end: async () => {
      child.stdin.end();
      await closed;
    },
  };
}
