/**
 * Opens a connection to each of the targets every few milliseconds, whatever becomes of those before, and prints a line for
 * each that had no answer for a while, or was refused. A program of its own, to be started where an outside client is:
 * `node open-flows.ts ADDRESS:PORT ...`.
 */
import { connect } from 'node:net';
import { setInterval as every } from 'node:timers';

/** How often, to each target: a hundred new connections a second. */
const everyMs = 10;
/** Nobody on one machine takes longer: it went to who is not there. */
const lostAfterMs = 500;
/** A SYN is sent again after a second, and once more after two. */
const endAfterMs = 4_000;

for (const target of process.argv.slice(2)) every(() => open(target), everyMs);

function open(target: string): void {
  const [host = '', port] = target.split(':');
  const startMs = performance.timeOrigin + performance.now();
  const tell = (what: string) => {
    const tookMs = performance.timeOrigin + performance.now() - startMs;
    process.stdout.write(`${JSON.stringify({ target, startMs, what, tookMs })}\n`);
  };
  let answered = false;
  const socket = connect({ host, port: Number(port) });
  const lost = setTimeout(() => tell('lost'), lostAfterMs);
  const end = setTimeout(() => {
    tell('ended without an answer');
    socket.destroy();
  }, endAfterMs);
  socket.on('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
  socket.on('data', () => {
    answered = true;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    clearTimeout(lost);
    clearTimeout(end);
    const took = performance.timeOrigin + performance.now() - startMs;
    if (!answered && took < endAfterMs) tell('refused');
    else if (answered && took > lostAfterMs) tell('answered late');
  });
}
