/**
 * Asks each of the targets 200 times a second, each time by a new connection, whatever becomes of those before. Prints a line
 * for each request that fails, and how many were asked and answered so far, every 100 ms. A program of its own, to be started
 * where an outside client is: `node steady-requests.ts ADDRESS:PORT ...`.
 */
import { connect } from 'node:net';

const everyMs = 5;
/** A task in the same machine answers in a few milliseconds; a SYN that was lost is sent again after a second. */
const answerMaxMs = 10_000;
const sayEveryMs = 100;

let [asked, answered, slowestMs] = [0, 0, 0];
for (const target of process.argv.slice(2)) setInterval(() => ask(target), everyMs);
setInterval(() => say({ asked, answered, slowestMs }), sayEveryMs);

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function ask(target: string): void {
  const [host = '', port] = target.split(':');
  const startMs = performance.now();
  const atMs = performance.timeOrigin + startMs;
  asked += 1;
  let text = '';
  let why = 'closed before its answer';
  const socket = connect({ host, port: Number(port), timeout: answerMaxMs });
  socket.setEncoding('utf8');
  socket.on('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
  socket.on('data', (data) => {
    text += data;
  });
  socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    why = error.code ?? error.message;
  });
  socket.on('close', () => {
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    if (/\r\n\r\n.*I'm /s.test(text)) answered += 1;
    else say({ failed: why, target, atMs });
  });
}
