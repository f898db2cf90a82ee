/**
 * Asks each of the targets every so many milliseconds, each time by a new connection, whatever becomes of those before. Prints
 * a line for each request that has no answer or a late one, and how many were asked and answered so far, every 100 ms. A
 * program of its own, to be started where an outside client is:
 *
 *   node steady-requests.ts EVERY_MS LATE_MS ADDRESS:PORT ...
 */
import { connect } from 'node:net';
import type { BadRequest, Counts } from './traffic.ts';

/** A task in the same machine answers in a few milliseconds; a SYN that was lost is sent again after 1, 3 and 7 s. */
const answerMaxMs = 10_000;
const sayEveryMs = 100;

const [everyMs = 0, lateMs = 0] = process.argv.slice(2, 4).map(Number);
let [asked, answered, slowestMs] = [0, 0, 0];
for (const target of process.argv.slice(4)) setInterval(() => ask(target), everyMs);
setInterval(() => say({ asked, answered, slowestMs }), sayEveryMs);

function say(line: Counts | BadRequest): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function ask(target: string): void {
  const [host = '', port] = target.split(':');
  const startMs = performance.now();
  const atMs = performance.timeOrigin + startMs;
  asked += 1;
  let text = '';
  let connectMs: number | undefined;
  let why = 'closed before its answer';
  const socket = connect({ host, port: Number(port), timeout: answerMaxMs });
  socket.setEncoding('utf8');
  socket.on('connect', () => {
    connectMs = performance.now() - startMs;
    socket.write('GET / HTTP/1.0\r\n\r\n');
  });
  socket.on('data', (data) => {
    text += data;
  });
  socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    why = error.code ?? error.message;
  });
  socket.on('close', () => {
    const tookMs = performance.now() - startMs;
    slowestMs = Math.max(slowestMs, tookMs);
    const request = { target, atMs, tookMs, ...(connectMs === undefined ? {} : { connectMs }) };
    if (!/\r\n\r\n.*I'm /s.test(text)) return say({ bad: why, ...request });
    answered += 1;
    if (tookMs > lateMs) say({ bad: 'late', ...request });
  });
}
