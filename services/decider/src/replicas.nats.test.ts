import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  connectBus,
  deadLetterStream,
  deciderConsumer,
  factMessage,
  factStream,
  MeshReplica,
  subjects,
} from '@fairway/bus';
import { SpawnedServer } from '@fairway/bus/spawned-server';
import { type Fact, objectOf } from '@fairway/mesh';
import { expect, test, vi } from 'vitest';
import { allShown, life, publishAsSenders } from './decider-lab.ts';
import { history } from './swarm-history.ts';

const program = fileURLToPath(new URL('main.ts', import.meta.url));
const becomes = <T>(check: () => T | Promise<T>) => vi.waitFor(check, { timeout: 30_000, interval: 20 });

/** Processes, as they are killed: whatever one was amid is left as it was. */
class Deciders {
  readonly #server: string;
  readonly #running: ChildProcess[] = [];
  turns = 0;

  constructor(server: string) {
    this.#server = server;
  }

  /** Starts one more, and waits until it decides. */
  async add(): Promise<void> {
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, FAIRWAY_NATS: this.#server, FAIRWAY_NATS_CREDENTIALS: 'none' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#running.push(child);
    for await (const line of createInterface({ input: child.stderr })) if (line.includes('deciding')) break;
    child.stderr.resume();
  }

  /** Kills the one that has been there for longest. */
  kill(): void {
    this.#running.shift()?.kill('SIGKILL');
  }

  async turn(): Promise<void> {
    await this.add();
    this.kill();
    this.turns += 1;
  }

  end(): void {
    while (this.#running.length > 0) this.kill();
  }
}

vi.setConfig({ testTimeout: 120_000 });

test('deciders are killed and started at any moment: the mesh comes to where the swarm is, and nothing is put aside', async () => {
  const server = await SpawnedServer.start();
  const deciders = new Deciders(server.url);
  const bus = await connectBus({ servers: server.url, name: 'teller' });
  const replica = new MeshReplica();
  const following = bus.mesh.follow(replica.follower);
  const putAside: string[] = [];
  const tailing = bus.tail(deadLetterStream.name, subjects.deadLetter('*'), ({ text }) => void putAside.push(text));
  try {
    await deciders.add();
    await deciders.add();
    await becomes(() => expect(replica.caughtUp).toBe(true));

    const { says, truth } = history();
    let told = 0;
    const known = new Set<string>();
    const tell = async (sender: string, facts: readonly Fact[]) => {
      for (const [at, fact] of facts.entries()) {
        // As in a swarm: a node has tasks of services that its manager has, however late that one is.
        if (fact.kind === 'container') await becomes(() => expect(known).toContain(fact.service));
        const message = factMessage(sender, replica.current?.generation.epoch ?? '', fact, fact.kind, at, '');
        // Two deciders that are killed with a message in their hands take longer than its sender waits.
        await publishAsSenders(bus, message, `${sender} ${at}`);
        told += 1;
        if (fact.kind === 'service') known.add(objectOf(fact));
        // So that there is something to do for as long as deciders come and go.
        if (at % 12 === 0) await deciders.turn();
      }
    };
    await Promise.all([...says].map(([sender, facts]) => tell(sender, facts)));
    expect(deciders.turns).toBeGreaterThan(10);

    await becomes(async () => expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(told));
    await becomes(() => expect(replica.current && allShown(replica.current)).toEqual(truth));
    expect(replica.current?.nodes.get('n3')?.incarnation).toEqual(life);
    expect(putAside).toEqual([]);
    expect(await bus.count(deadLetterStream.name)).toBe(0);
  } finally {
    deciders.end();
    await tailing.stop();
    await following.stop();
    await bus.close();
    await server.remove();
  }
});
