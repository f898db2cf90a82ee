/**
 * Makes real connections from the network namespace that it is started in. It takes orders as lines of JSON, and prints
 * what came of each as one; it ends with its standard input. A program of its own, since a process is in one namespace:
 *
 *   echo '{"id":1,"asked":{"carrier":"tcp","targets":["10.99.0.11:8000"],"count":3000,"atOnce":8,"answerMaxMs":3000}}' | node probe.ts
 */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Probe, ProbeOrder, ProbeReport, ProbeResult } from './prober.ts';

/** Those that go on, each with how to end it. */
const running = new Map<number, AbortController>();

createInterface({ input: process.stdin })
  .on('line', (line) => void carryOut(JSON.parse(line) as ProbeOrder))
  .on('close', () => {
    for (const ending of running.values()) ending.abort();
  });

async function carryOut({ id, asked }: ProbeOrder): Promise<void> {
  if (!asked) {
    running.get(id)?.abort();
    return;
  }
  const ending = new AbortController();
  running.set(id, ending);
  const result = await probe(asked, ending.signal);
  running.delete(id);
  process.stdout.write(`${JSON.stringify({ id, result } satisfies ProbeReport)}\n`);
}

async function probe(asked: Probe, signal: AbortSignal): Promise<ProbeResult> {
  const result = { answers: {} as Record<string, number>, failures: {} as Record<string, number>, slowestMs: 0 };
  const count = asked.count ?? Number.POSITIVE_INFINITY;
  let started = 0;

  /** One client: a new connection after the other, over the targets in strict turn. */
  const client = async () => {
    while (started < count && !signal.aborted) {
      const target = asked.targets[started % asked.targets.length] ?? '';
      started += 1;
      const [address = '', port] = target.split(':');
      const startMs = performance.now();
      try {
        const ask = asked.carrier === 'udp' ? askUdp : askHttp;
        const answer = await ask(address, Number(port), asked.answerMaxMs);
        const key = asked.targets.length > 1 && asked.byTarget ? `${target} ${answer}` : answer;
        result.answers[key] = (result.answers[key] ?? 0) + 1;
      } catch (error) {
        const { code, message, cause = '' } = error as NodeJS.ErrnoException;
        const reason = code ?? message;
        result.failures[reason] = (result.failures[reason] ?? 0) + 1;
        if (asked.tell) process.stderr.write(`${new Date().toISOString()} ${target} failed: ${reason} ${cause}\n`);
      }
      result.slowestMs = Math.max(result.slowestMs, performance.now() - startMs);
      if (asked.pauseMs) await pause(asked.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: asked.atOnce ?? 1 }, client));
  if (asked.tell)
    process.stderr.write(`${new Date().toISOString()} ${started} asked, slowest ${Math.round(result.slowestMs)} ms\n`);
  return result;
}

/** A connection, one request, the answer's body up to the server's close. */
function askHttp(host: string, port: number, answerMaxMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host, port, timeout: answerMaxMs });
    const startMs = performance.now();
    let connected = 'not connected';
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      connected = `connected after ${Math.round(performance.now() - startMs)} ms from port ${socket.localPort}`;
      socket.write('GET / HTTP/1.0\r\n\r\n');
    });
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('timeout', () => socket.destroy(new Error('no answer in time', { cause: connected })));
    socket.on('error', reject);
    socket.on('close', () => {
      const body = text.split('\r\n\r\n')[1]?.trim();
      if (body) resolve(body);
      else reject(new Error(text === '' ? 'closed without an answer' : 'cut short'));
    });
  });
}

/** A datagram from a port of its own, and the first that comes back. */
function askUdp(host: string, port: number, answerMaxMs: number): Promise<string> {
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
