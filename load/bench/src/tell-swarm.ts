/**
 * Tells the bus, as a manager does, of a swarm that is larger than the one that runs: nodes, and services of ten tasks on
 * them, each published at a port. A program of its own, to be started in a network namespace that reaches the bus:
 * `node tell-swarm.ts SERVERS CREDENTIALS NODE INGRESS NODES SERVICES`. Ends when all of it is stored.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { BusUnavailable, connectBus, factMessage, type Message } from '@fairway/bus';
import { type Fact, parseAddress, type TaskClaim } from '@fairway/mesh';

/** Swarm's ids are of 25 characters. */
const idOf = (kind: string, n: number): string => `${kind}${n}`.padEnd(25, 'x');

const tasksEach = 10;
const firstPort = 30_000;
/** As many are on their way at a time. */
const together = 64;
const againMs = 500;
/** A trace that nobody records. */
const trace = '00-00000000000000000000000000000001-0000000000000001-00';

function nodeFact(n: number): Fact {
  const node = { id: idOf('node', n), name: `node-${n}`, index: n + 1, labels: {} } as const;
  return { kind: 'node', node: { ...node, role: 'worker', availability: 'active', state: 'ready' }, confirmed: false };
}

function serviceFact(n: number, nodes: number, ingress: string): Fact {
  const tasks = Array.from({ length: tasksEach }, (_, at): TaskClaim => {
    const number = n * tasksEach + at;
    const address = parseAddress(`10.0.${100 + (number >> 8)}.${number & 255}`);
    if (!address) throw new Error(`more than there are addresses: ${number}`);
    return {
      id: idOf(`task${n}and`, at),
      node: idOf('node', number % nodes),
      index: 1_000_000 + number,
      claim: 'running',
      addresses: [{ network: ingress, address }],
    };
  });
  const ports = [{ protocol: 'tcp', first: firstPort + n, last: firstPort + n, target: 8000 }] as const;
  const spec = { id: idOf('service', n), name: `of-a-large-swarm-${n}`, index: 1_000_000 + n, replicas: tasksEach };
  return {
    kind: 'service',
    spec: { ...spec, mode: 'vip', ports, vips: [], labels: {} },
    tasks,
    gone: [],
    confirmed: false,
  };
}

const [servers = '', credentials = '', sender = '', ingress = '', ...counts] = process.argv.slice(2);
const [nodes = 0, services = 0] = counts.map(Number);
const bus = await connectBus({ servers: servers.split(','), name: 'large-swarm', credentials });
const epoch = await bus.epoch();
if (epoch === undefined) throw new Error('there is no mesh on the bus yet');
const facts = function* () {
  for (let n = 0; n < nodes; n++) yield nodeFact(n);
  for (let n = 0; n < services; n++) yield serviceFact(n, nodes, ingress);
};
let told = 0;
const left = facts();
/** Again until it is stored, as a watcher does. */
const store = async (message: Message, id: string): Promise<void> => {
  for (;;) {
    try {
      return await bus.publish(message, id);
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
      await pause(againMs);
    }
  }
};
const tell = async () => {
  for (const fact of left) {
    const id = `large-swarm ${told++}`;
    await store(factMessage(sender, epoch, fact, 'a large swarm', Date.now(), trace), id);
  }
};
await Promise.all(Array.from({ length: together }, tell));
await bus.close();
