/**
 * For kernel tests: a program inside a namespace of the lab, that listens and calls there. It reads one request per
 * line on standard input and answers each with one line. Started by `lab.ts`.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export type PeerRequest =
  /** Says its name to whoever connects, and then repeats what it hears. */
  | { readonly do: 'listen'; readonly carrier: 'tcp' | 'udp'; readonly port: number; readonly name: string }
  /** Calls the ports in turn, `times` calls altogether, each on a new connection. */
  | {
      readonly do: 'call';
      readonly carrier: 'tcp' | 'udp';
      readonly host: string;
      readonly ports: readonly number[];
      readonly times: number;
      readonly atOnce?: number;
    }
  /** Opens a connection and keeps it. */
  | { readonly do: 'hold'; readonly host: string; readonly port: number }
  /** Uses the kept connection: its name, or how it ended. */
  | { readonly do: 'use' }
  /** Sends datagrams, one unless told, always from the same socket, which has the port `from` where that is given. */
  | {
      readonly do: 'send';
      readonly host: string;
      readonly port: number;
      readonly times?: number;
      readonly from?: number;
    };

export type PeerAnswer = {
  /** Calls by port and by what came of them: a server's name, or an error's code. */
  readonly calls: { readonly [port: number]: { readonly [answer: string]: number } };
  /** The longest call. */
  readonly slowestMs: number;
};

const patienceMs = 2_000;
let held: Socket | undefined;
let sender: ReturnType<typeof createSocket> | undefined;

async function perform(request: PeerRequest): Promise<PeerAnswer | string> {
  switch (request.do) {
    case 'listen':
      return request.carrier === 'tcp' ? listenTcp(request) : listenUdp(request);
    case 'call': {
      const calls: Record<number, Record<string, number>> = {};
      let slowestMs = 0;
      let next = 0;
      const worker = async () => {
        while (next < request.times) {
          const port = request.ports[next++ % request.ports.length] as number;
          const start = performance.now();
          const answer = await (request.carrier === 'tcp' ? callTcp : callUdp)(request.host, port);
          slowestMs = Math.max(slowestMs, performance.now() - start);
          const answers = calls[port] ?? {};
          calls[port] = answers;
          answers[answer] = (answers[answer] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: request.atOnce ?? 1 }, worker));
      return { calls, slowestMs };
    }
    case 'hold': {
      held = connect(request.port, request.host);
      return said(held);
    }
    case 'use': {
      if (!held) return 'nothing held';
      held.write('still there?\n');
      return said(held);
    }
    case 'send': {
      sender ??= await socketOn(request.from ?? 0);
      const answers: string[] = [];
      for (let times = request.times ?? 1; times > 0; times -= 1)
        answers.push(await exchange(sender, request.host, request.port));
      return answers.join(' ');
    }
  }
}

function listenTcp({ port, name }: { port: number; name: string }): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(`${name}\n`);
    socket.on('data', () => socket.write(`${name}\n`));
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject).listen({ port, host: '::', backlog: 1024 }, () => resolve('listening'));
  });
}

function listenUdp({ port, name }: { port: number; name: string }): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (_, from) => socket.send(name, from.port, from.address));
  return new Promise((resolve, reject) => {
    socket.on('error', reject).bind(port, () => resolve('listening'));
  });
}

function socketOn(port: number): Promise<ReturnType<typeof createSocket>> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.on('error', reject).bind(port, () => resolve(socket.removeAllListeners('error')));
  });
}

async function callTcp(host: string, port: number): Promise<string> {
  const socket = connect(port, host);
  const answer = await said(socket);
  socket.resetAndDestroy();
  return answer;
}

function said(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const end = (answer: string) => {
      clearTimeout(patience);
      socket.removeAllListeners();
      socket.on('error', () => {});
      resolve(answer);
    };
    const patience = setTimeout(() => end('no answer'), patienceMs);
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('data', (data) => end(String(data).trim()));
    socket.on('close', () => end('closed'));
  });
}

async function callUdp(host: string, port: number): Promise<string> {
  const socket = createSocket('udp4');
  const answer = await exchange(socket, host, port);
  socket.close();
  return answer;
}

/** A connected socket, as only such a one is told of an ICMP error. */
async function exchange(socket: ReturnType<typeof createSocket>, host: string, port: number): Promise<string> {
  try {
    socket.remoteAddress();
  } catch {
    await new Promise<void>((resolve, reject) =>
      socket.connect(port, host, (error?: Error) => (error ? reject(error) : resolve())),
    );
  }
  return new Promise((resolve) => {
    const end = (answer: string) => {
      clearTimeout(patience);
      socket.removeAllListeners();
      socket.on('error', () => {});
      resolve(answer);
    };
    const patience = setTimeout(() => end('no answer'), patienceMs);
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('message', (data) => end(String(data)));
    socket.send('who?');
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await perform(JSON.parse(line)).catch((error: Error) => `failed: ${error.message}`);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
// The lab is gone.
process.exit(0);
