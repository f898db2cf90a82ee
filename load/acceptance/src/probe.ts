/**
 * Makes real connections from the network namespace that it is started in, and prints what came of them as JSON.
 * A program of its own, since a process is in one namespace:
 *
 *   node probe.ts '{"carrier":"tcp","targets":["10.99.0.11:8000"],"count":3000,"atOnce":8}'
 */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Probe, ProbeResult } from './probing.ts';

/** No answer of a task in the same machine takes this long; what does is a packet that was lost. */
const answerMaxMs = 3_000;

const asked = JSON.parse(process.argv[2] ?? '{}') as Probe;
const result: { answers: Record<string, number>; failures: Record<string, number>; slowestMs: number } = {
  answers: {},
  failures: {},
  slowestMs: 0,
};
const endMs = asked.forMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + asked.forMs;
const count = asked.count ?? Number.POSITIVE_INFINITY;
let started = 0;
let stopping = false;
// Whoever started it may end it before its time, and then hears what came so far.
process.stdin.on('end', () => {
  stopping = true;
});
if (asked.untilClosed) process.stdin.resume();

await Promise.all(Array.from({ length: asked.atOnce ?? 1 }, worker));
process.stdout.write(JSON.stringify(result satisfies ProbeResult));
process.exit(0);

/** One client: a new connection after the other, over the targets in strict turn. */
async function worker(): Promise<void> {
  while (started < count && Date.now() < endMs && !stopping) {
    const target = asked.targets[started % asked.targets.length] ?? '';
    started += 1;
    const [address = '', port] = target.split(':');
    const startMs = performance.now();
    try {
      const answer =
        asked.carrier === 'udp' ? await askUdp(address, Number(port)) : await askHttp(address, Number(port));
      const key = asked.targets.length > 1 && asked.byTarget ? `${target} ${answer}` : answer;
      result.answers[key] = (result.answers[key] ?? 0) + 1;
    } catch (error) {
      const reason = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
      result.failures[reason] = (result.failures[reason] ?? 0) + 1;
      if (asked.tellFailures) process.stderr.write(`${new Date().toISOString()} ${target} failed: ${reason}\n`);
    }
    result.slowestMs = Math.max(result.slowestMs, performance.now() - startMs);
  }
}

/** A connection, one request, the answer's body up to the server's close. */
function askHttp(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host, port, timeout: answerMaxMs });
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
    socket.on('error', reject);
    socket.on('close', () => {
      const body = text.split('\r\n\r\n')[1]?.trim();
      if (body) resolve(body);
      else reject(new Error(text === '' ? 'closed without an answer' : 'cut short'));
    });
  });
}

/** A datagram from a port of its own, and the first that comes back. */
function askUdp(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const timer = setTimeout(() => end(() => reject(new Error('no answer in time'))), answerMaxMs);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      socket.close();
      settle();
    };
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('message', (data) => end(() => resolve(data.toString().split(':')[0]?.trim() ?? '')));
    // Connected, so that an ICMP port unreachable comes back as ECONNREFUSED.
    socket.connect(port, host, () => socket.send('hello\n'));
  });
}
