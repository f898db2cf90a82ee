/**
 * Connects to the targets again and again and prints a line whenever what comes of it changes: who answers, or that it
 * is refused. A program of its own, to be started where an outside client is: `node watch-port.ts ADDRESS:PORT ...`.
 */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** How long after one connection the next is made, to each target. */
const everyMs = 4;
/** No answer takes longer on one machine; a packet was lost. */
const answerMaxMs = 1_000;

await Promise.all(process.argv.slice(2).map(watch));

async function watch(target: string): Promise<void> {
  let known: string | undefined;
  for (;;) {
    const state = await ask(target);
    if (state !== known) {
      const atMs = performance.timeOrigin + performance.now();
      process.stdout.write(`${JSON.stringify({ target, state, atMs })}\n`);
    }
    known = state;
    await pause(everyMs);
  }
}

function ask(target: string): Promise<string> {
  const [host = '', port] = target.split(':');
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host, port: Number(port), timeout: answerMaxMs });
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(/I'm (\S+)/.exec(text)?.[1] ?? 'refused'));
  });
}
