import { setTimeout as pause } from 'node:timers/promises';
import {
  type Bus,
  Credentials,
  deciderConsumer,
  factStream,
  inboxPrefix,
  keys,
  MeshReplica,
  NotPermitted,
  outcomeStream,
  RevisionConflict,
  type Role,
  readWord,
  roles,
  senderOf,
  subjects,
  Unreadable,
  wordMessage,
} from '@fairway/bus';
import { errors, headers } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { TrustedServers } from './trusted-servers.ts';

/**
 * One server, and one user of each role, named as it: `node` and `manager` are two nodes' ids. `other` stands for
 * somebody else.
 */
let all: TrustedServers;
let decider: Bus;
beforeAll(async () => {
  all = await TrustedServers.start(
    1,
    roles.map((role) => ({ name: role, role })),
  );
  decider = await all.connect('decider');
  await decider.provision();
});
afterAll(() => all.stop());

/** A connection of somebody who does not use Fairway's code, and what its server has refused. */
class Intruder {
  readonly nc: NatsConnection;
  readonly refused: string[] = [];

  private constructor(nc: NatsConnection) {
    this.nc = nc;
    void this.#watch();
  }

  static async as(role: Role): Promise<Intruder> {
    const credentials = Credentials.read(all.folder.clientFile(role));
    return new Intruder(
      await connect({
        servers: [...all.urls],
        authenticator: credentials.authenticator,
        inboxPrefix: inboxPrefix(credentials),
        tls: { handshakeFirst: true, ca: credentials.authority },
      }),
    );
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'error' && status.error instanceof errors.PermissionViolationError) {
        this.refused.push(`${status.error.operation} ${status.error.subject}`);
      }
    }
  }
}

/** As nats-server logs it: who it was, and what was refused. */
function violation(role: Role, operation: string, subject: string): string {
  const { publicKey } = Credentials.read(all.folder.clientFile(role));
  return `nkey:${publicKey}" - ${operation === 'publish' ? 'Publish' : 'Subscription'} Violation - Subject "${subject}"`;
}

const nodes: readonly Role[] = ['node', 'manager'];

/** By what is done: the subject as each would name it, and who may. */
const publishing: Record<string, readonly [subject: (self: string) => string, may: readonly Role[]]> = {
  'tell of an own container': [(self) => subjects.tell(subjects.fact(self, 'container', 's')), nodes],
  "tell of another's container": [() => subjects.tell(subjects.fact('other', 'container', 's')), []],
  'list own containers': [(self) => subjects.tell(subjects.fact(self, 'node-listing', self)), nodes],
  'tell of a service': [(self) => subjects.tell(subjects.fact(self, 'service', 's')), ['manager']],
  'tell of a service as another': [() => subjects.tell(subjects.fact('other', 'service', 's')), []],
  'end a service': [(self) => subjects.tell(subjects.fact(self, 'service-gone', 's')), ['manager']],
  'tell of a node': [(self) => subjects.tell(subjects.fact(self, 'node', 'n')), ['manager']],
  'end a node': [(self) => subjects.tell(subjects.fact(self, 'node-gone', 'n')), ['manager']],
  'tell of a network': [(self) => subjects.tell(subjects.fact(self, 'network', 'n')), ['manager']],
  'end a network': [(self) => subjects.tell(subjects.fact(self, 'network-gone', 'n')), ['manager']],
  'list the swarm': [(self) => subjects.tell(subjects.fact(self, 'swarm-listing', 'swarm')), ['manager']],
  'tell a kind of fact that there is not': [(self) => subjects.tell(subjects.fact(self, 'plan', 's')), []],
  'tell an outcome': [(self) => subjects.tell(subjects.outcome(self, 'applied')), nodes],
  'tell an outcome as another': [() => subjects.tell(subjects.outcome('other', 'applied')), []],
  beat: [(self) => subjects.beat(self), nodes],
  'beat as another': [() => subjects.beat('other'), []],
  'say a word of its tasks': [(self) => subjects.word(self), nodes],
  "say a word of another's tasks": [() => subjects.word('other'), []],
  'put a message aside': [(self) => subjects.tell(subjects.deadLetter(self)), nodes],
  'put a message aside as another': [() => subjects.tell(subjects.deadLetter('other')), []],
  'store a fact': [(self) => subjects.fact(self, 'container', 's'), ['decider']],
  'store an outcome': [(self) => subjects.outcome(self, 'applied'), ['decider']],
  'store what is put aside': [(self) => subjects.deadLetter(self), ['decider']],
  'say who is throttled': [(self) => subjects.throttled(self), ['decider', 'sentinel']],
  'say who is throttled as another': [() => subjects.throttled('other'), []],
  'answer what another account asked': [() => '_R_.x.y', ['decider']],
  'give a verdict': [(self) => subjects.verdict(self, 'n'), ['sentinel']],
  'give a verdict as another': [() => subjects.verdict('other', 'n'), []],
  'write the mesh': [() => '$KV.fairway-mesh.service.s', ['decider']],
  'write the epoch': [() => '$KV.fairway-mesh.epoch', ['decider']],
  'write reach': [() => '$JS.fairway.API.$KV.fairway-mesh.reach.n', ['sentinel']],
  'write reach where it is kept': [() => '$KV.fairway-mesh.reach.n', []],
  'write the mesh as reach is written': [() => '$JS.fairway.API.$KV.fairway-mesh.service.s', []],
  'say how far it sees': [(self) => subjects.outlook(self), ['sentinel']],
  'say how far it sees as another': [() => subjects.outlook('other'), []],
  'have a node try to reach another': [() => subjects.ask('other', 'probe'), ['sentinel']],
  'ask a node': [() => subjects.ask('other', 'rules'), ['console']],
  'have a node leave its rules': [() => subjects.ask('other', 'uninstall'), ['console']],
  'read an entry of the mesh': [
    () => '$JS.fairway.API.STREAM.MSG.GET.KV_fairway-mesh',
    ['node', 'manager', 'console', 'sentinel'],
  ],
  'read an entry of the mesh where it is kept': [() => '$JS.API.STREAM.MSG.GET.KV_fairway-mesh', ['decider']],
  'read an entry of the mesh from a replica': [() => '$JS.fairway.API.DIRECT.GET.KV_fairway-mesh', []],
  'make a consumer of the mesh': [() => '$JS.fairway.API.CONSUMER.CREATE.KV_fairway-mesh.c.$KV.fairway-mesh.>', []],
  'say an entry of the mesh again': [() => subjects.mesh('service.s'), []],
  'say where the mesh stands': [(self) => subjects.head(self), ['decider']],
  'say where the mesh stands as another': [() => subjects.head('other'), []],
  'follow the outcomes': [() => '$JS.fairway.API.CONSUMER.CREATE.FAIRWAY_OUTCOMES.c.fairway.outcome.>', ['console']],
  'follow the facts': [() => '$JS.fairway.API.CONSUMER.CREATE.FAIRWAY_FACTS.c.fairway.fact.>', []],
  'make a consumer that is to stay': [() => '$JS.fairway.API.CONSUMER.DURABLE.CREATE.KV_fairway-mesh.c', []],
  'take facts': [() => `$JS.API.CONSUMER.MSG.NEXT.${factStream.name}.${deciderConsumer}`, ['decider']],
  'say that a fact is dealt with': [() => `$JS.ACK.${factStream.name}.${deciderConsumer}.1.1.1.1.1`, ['decider']],
  'make a stream': [() => '$JS.API.STREAM.CREATE.KV_fairway-mesh', ['decider']],
  'make a stream of another name': [() => '$JS.API.STREAM.CREATE.OTHER', []],
  'change a stream': [() => '$JS.API.STREAM.UPDATE.FAIRWAY_FACTS', ['decider']],
  ...Object.fromEntries(
    ['STREAM.DELETE', 'STREAM.PURGE', 'STREAM.MSG.DELETE', 'STREAM.SNAPSHOT', 'STREAM.RESTORE'].flatMap((verb) =>
      ['$JS.API', '$JS.fairway.API'].map(
        (api) => [`${api}.${verb}`, [() => `${api}.${verb}.KV_fairway-mesh`, []]] as const,
      ),
    ),
  ),
  'speak to the servers themselves': [() => '$SYS.REQ.SERVER.PING', []],
};

const subscribing: Record<string, readonly [subject: (self: string) => string, may: readonly Role[]]> = {
  'hear everything': [() => '>', []],
  'hear all facts': [() => 'fairway.fact.>', ['console']],
  'hear of all containers': [() => subjects.containerFacts, ['manager', 'console']],
  'hear all outcomes': [() => subjects.outcomes, ['console']],
  'hear what is put aside': [() => subjects.deadLetters, ['console']],
  'take what is told': [() => subjects.told, ['decider']],
  'take what one node tells': [() => subjects.tell(subjects.fact('other', 'container', '*')), ['decider']],
  'hear who is throttled': [() => subjects.throttled('*'), ['console']],
  'hear beats': [() => subjects.beat('*'), ['sentinel']],
  'hear the mesh': [() => subjects.mesh('>'), roles],
  'hear where the mesh stands': [() => subjects.head('*'), roles],
  'hear how far sentinels see': [() => subjects.outlook('*'), ['console']],
  'hear verdicts': [() => subjects.verdict('*', '*'), ['node', 'manager', 'console']],
  'hear words of tasks': [() => subjects.word('*'), nodes],
  'hear what it is asked': [(self) => subjects.ask(self, '*'), nodes],
  'hear what another is asked': [() => subjects.ask('other', '*'), []],
  'hear its own answers': [(self) => `_INBOX_${self}.>`, roles],
  "hear another's answers": [() => '_INBOX_other.>', []],
  'hear writes of the mesh as they pass': [() => '$KV.fairway-mesh.>', []],
  'hear what JetStream is asked': [() => '$JS.API.>', []],
  'hear advisories': [() => '$JS.EVENT.>', []],
  'hear the servers themselves': [() => '$SYS.>', []],
};

describe.each(roles)('a %s', (role) => {
  let intruder: Intruder;
  beforeAll(async () => {
    intruder = await Intruder.as(role);
  });
  afterAll(() => intruder.nc.close());

  const pairs = [
    ...Object.entries(publishing).map((entry) => ['publish', ...entry] as const),
    ...Object.entries(subscribing).map((entry) => ['subscription', ...entry] as const),
  ].map(([operation, what, [subject, may]]) => ({
    operation,
    what,
    subject: subject(role),
    word: may.includes(role) ? 'may' : 'may not',
  }));

  test.each(pairs)('$word $what', async ({ operation, subject, word }) => {
    intruder.refused.length = 0;
    if (operation === 'publish') intruder.nc.publish(subject, '{}');
    else intruder.nc.subscribe(subject, { callback: () => {} }).unsubscribe();
    // The server answers this behind its word on what came before.
    await intruder.nc.flush();
    await pause(0);
    expect(intruder.refused).toEqual(word === 'may' ? [] : [`${operation} ${subject}`]);
    // To who runs the servers it is reported by these.
    if (word === 'may') return;
    await vi.waitFor(() => expect(all.servers[0]?.output).toContain(violation(role, operation, subject)));
  });
});

describe('by way of an answer', () => {
  const key = 'service.victim';
  const text = 'as the decider wrote it';
  const otherFact = subjects.fact('other', 'container', 's');

  beforeAll(async () => {
    await decider.mesh.put(key, text, 0);
    await decider.mesh.put('node.bait', 'what would be written over it', 0);
    const node = await all.connect('node');
    await node.publish({ subject: subjects.outcome('node', 'applied'), text: 'what a consumer would deliver' }, 'bait');
  });

  /** JetStream answers to the subject that the asker names, by its own right: so no answer may leave an account. */
  test.each(['node', 'manager', 'console', 'sentinel'] as const)(
    'a %s writes nothing that it may not',
    async (role) => {
      const { nc } = await Intruder.as(role);
      const facts = await decider.count(factStream.name);
      const api = '$JS.fairway.API';
      const bait = JSON.stringify({ last_by_subj: '$KV.fairway-mesh.node.bait' });
      for (const reply of [`$KV.fairway-mesh.${key}`, otherFact, '$JS.API.STREAM.PURGE.KV_fairway-mesh']) {
        nc.publish(`${api}.STREAM.MSG.GET.KV_fairway-mesh`, bait, { reply });
        if (nodes.includes(role)) nc.publish(subjects.tell(subjects.fact(role, 'container', 's')), 'x', { reply });
        if (role !== 'console') continue;
        // The one role that makes consumers: of outcomes, which nodes write.
        nc.publish(`${api}.STREAM.INFO.${outcomeStream.name}`, '', { reply });
        const made = async (name: string, more: object) => {
          const filter = { filter_subject: subjects.outcomes, ack_policy: 'none', deliver_policy: 'all' };
          const config = { ...filter, ...more, name: `${name}-${Math.random()}`.replace('.', '') };
          const create = `${api}.CONSUMER.CREATE.${outcomeStream.name}.${config.name}.${subjects.outcomes}`;
          await nc.request(create, JSON.stringify({ stream_name: outcomeStream.name, config }), { timeout: 2000 });
          return config.name;
        };
        await made('push', { deliver_subject: reply });
        const pull = await made('pull', {});
        const next = `${api}.CONSUMER.MSG.NEXT.${outcomeStream.name}.${pull}`;
        nc.publish(next, '{"batch":10,"no_wait":true}', { reply });
      }
      await nc.flush();
      await pause(500);
      await nc.close();
      expect(await decider.mesh.get(key)).toMatchObject({ text });
      // A node's own facts are two or more; what it tried to say as another is none.
      const own = nodes.includes(role) ? 3 : 0;
      expect(await decider.count(factStream.name)).toBe(facts + own);
    },
  );

  test('a node beats as no other one', async () => {
    const ear = await Intruder.as('sentinel');
    const heard: string[] = [];
    ear.nc.subscribe(subjects.beat('*'), { callback: (_, { subject }) => void heard.push(subject) });
    await ear.nc.flush();
    const { nc } = await Intruder.as('node');
    const answered: string[] = [];
    const own = `${inboxPrefix({ name: 'node', role: 'node' })}.answers`;
    nc.subscribe(own, { callback: (_, message) => void answered.push(message.string()) });
    const bait = JSON.stringify({ last_by_subj: '$KV.fairway-mesh.node.bait' });
    for (const reply of [own, subjects.beat('other')]) {
      nc.publish('$JS.fairway.API.STREAM.MSG.GET.KV_fairway-mesh', bait, { reply });
      nc.publish(subjects.tell(subjects.fact('node', 'container', 's')), 'x', { reply });
    }
    // Both are answered, to who asks for itself.
    await vi.waitFor(() => expect(answered).toHaveLength(2));
    await pause(500);
    // Its own one is heard behind whatever came of these.
    nc.publish(subjects.beat('node'), '{}');
    await vi.waitFor(() => expect(heard).toContain(subjects.beat('node')));
    await Promise.all([nc.close(), ear.nc.close()]);
    expect(heard).toEqual([subjects.beat('node')]);
  });

  /** Nodes hear each other's words, and are in one account: an answer gets there, and is none. */
  test('a node has no word said for another one', async () => {
    const { text: said } = wordMessage({
      ...{ node: 'node', service: 's', task: 't', state: 'dead', atMs: 1, trace: '' },
      reading: { incarnation: { boot: 'b', daemon: 'd' }, tick: 1 },
    });
    await decider.mesh.put('node.word', said, 0);
    const hearing = await all.connect('manager');
    const heard: string[] = [];
    hearing.subscribe(subjects.word('*'), (message) => {
      try {
        heard.push(`${readWord(message).node} says`);
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        heard.push(`${senderOf(message.subject)} says nothing`);
      }
    });
    const { nc } = await Intruder.as('node');
    const reply = subjects.word('other');
    await vi.waitFor(() => {
      nc.publish(subjects.word('node'), said);
      expect(heard).toContain('node says');
    });
    const bait = JSON.stringify({ last_by_subj: '$KV.fairway-mesh.node.word' });
    nc.publish('$JS.fairway.API.STREAM.MSG.GET.KV_fairway-mesh', bait, { reply });
    nc.publish(subjects.tell(subjects.fact('node', 'container', 's')), said, { reply });
    await vi.waitFor(() => expect(heard.filter((one) => one === 'other says nothing')).toHaveLength(2));
    await nc.close();
    expect(heard).not.toContain('other says');
  });
});

test('each does its work: facts, mesh, outcomes and questions reach whom they are for', async () => {
  const [node, manager, asker] = await Promise.all(['node', 'manager', 'console'].map((name) => all.connect(name)));
  if (!node || !manager || !asker) throw new Error('three connect');
  expect([node.sender, manager.sender, decider.sender]).toEqual(['node', 'manager', 'decider']);
  const heard: string[] = [];
  const taken: string[] = [];
  const tailed: string[] = [];
  const taking = decider.consume(factStream.name, deciderConsumer, (delivery) => {
    taken.push(delivery.text);
    delivery.ack();
  });
  asker.subscribe(subjects.facts, ({ text }) => void heard.push(`console ${text}`));
  manager.subscribe(subjects.containerFacts, ({ text }) => void heard.push(`manager ${text}`));
  asker.tail(outcomeStream.name, subjects.outcomes, ({ text }) => void tailed.push(text));
  node.answer(subjects.ask('node', 'rules'), async (text) => `answer to ${text}`);
  const replica = new MeshReplica();
  node.mesh.follow(replica.follower);
  await vi.waitFor(() => expect(replica.caughtUp).toBe(true));
  expect(await asker.ask(subjects.ask('node', 'rules'), 'a question', 2000)).toBe('answer to a question');

  await node.publish({ subject: subjects.fact('node', 'container', 's'), text: 'a fact' }, 'f1');
  await node.publish({ subject: subjects.outcome('node', 'applied'), text: 'an outcome' }, 'o1');
  await node.publish({ subject: subjects.fact('node', 'container', 's'), text: 'the same again' }, 'f1');
  const revision = await decider.mesh.put('node.n', 'x', 0);
  await vi.waitFor(() => {
    expect(heard.sort()).toEqual(expect.arrayContaining(['console a fact', 'manager a fact']));
    expect(taken.filter((text) => text.startsWith('the same') || text === 'a fact')).toEqual(['a fact']);
    expect(tailed).toContain('an outcome');
    expect(replica.current?.generation.revision).toBe(revision);
  });
  await taking.stop();
});

test('a sentinel hears beats, has nodes try to reach others, gives verdicts, and records them by compare and swap', async () => {
  const [node, asker, sentinel] = await Promise.all(['node', 'console', 'sentinel'].map((name) => all.connect(name)));
  if (!node || !asker || !sentinel) throw new Error('three connect');
  const heard: string[] = [];
  sentinel.subscribe(subjects.beat('*'), ({ text }) => void heard.push(`sentinel ${text}`));
  node.subscribe(subjects.verdict('*', '*'), ({ text }) => void heard.push(`node ${text}`));
  asker.subscribe(subjects.outlook('*'), ({ text }) => void heard.push(`console ${text}`));
  node.answer(subjects.ask('node', 'probe'), async (text) => `answer to ${text}`);
  const replica = new MeshReplica();
  node.mesh.follow(replica.follower);
  await vi.waitFor(async () => {
    node.broadcast({ subject: subjects.beat('node'), text: 'beat' });
    sentinel.broadcast({ subject: subjects.verdict('sentinel', 'n'), text: 'verdict' });
    sentinel.broadcast({ subject: subjects.outlook('sentinel'), text: 'outlook' });
    expect(await sentinel.ask(subjects.ask('node', 'probe'), 'a question', 2000)).toBe('answer to a question');
    expect(heard).toEqual(expect.arrayContaining(['sentinel beat', 'node verdict', 'console outlook']));
  });

  const first = await sentinel.mesh.put(keys.reach('m'), 'down', 0);
  await expect(sentinel.mesh.put(keys.reach('m'), 'again', 0)).rejects.toThrow(RevisionConflict);
  const second = await sentinel.mesh.put(keys.reach('m'), 'up', first);
  await sentinel.mesh.delete(keys.reach('m'), second);
  const third = await sentinel.mesh.put(keys.reach('m'), 'anew', 0);
  await vi.waitFor(() => expect(replica.current?.generation.revision).toBe(third));
  await expect(sentinel.mesh.put(keys.node('n'), 'x', 0)).rejects.toThrow(NotPermitted);
  await expect(decider.mesh.put(keys.reach('m'), 'x', third)).rejects.toThrow(NotPermitted);
});

test('a sentinel takes no other entry away by the word that NATS has for it', async () => {
  const key = keys.service('stays');
  await decider.mesh.put(key, 'stays', 0);
  const { nc } = await Intruder.as('sentinel');
  for (const rollup of ['all', 'sub']) {
    const told = headers();
    told.set('Nats-Rollup', rollup);
    const write = `$JS.fairway.API.$KV.fairway-mesh.${keys.reach('purge')}`;
    const answer = await nc.request(write, '{}', { headers: told, timeout: 2000 });
    expect(answer.json<{ error?: { description: string } }>().error?.description).toMatch(/rollup/);
  }
  await nc.close();
  expect(await decider.mesh.get(key)).toMatchObject({ text: 'stays' });
});

test('a console that makes consumers without end is refused, and facts go on to deciders', async () => {
  const { nc } = await Intruder.as('console');
  const make = async (n: number) => {
    const name = `endless${n}`;
    const config = { name, filter_subject: subjects.outcomes, ack_policy: 'none', inactive_threshold: 60e9 };
    const create = `$JS.fairway.API.CONSUMER.CREATE.${outcomeStream.name}.${name}.${subjects.outcomes}`;
    const answer = await nc.request(create, JSON.stringify({ stream_name: outcomeStream.name, config }));
    return answer.json<{ error?: { description: string } }>().error?.description;
  };
  const refused: (string | undefined)[] = [];
  for (let n = 0; n < 120; n++) refused.push(await make(n));
  expect(refused.filter((one) => one === undefined).length).toBeLessThanOrEqual(100);
  expect(refused.at(-1)).toBe('maximum consumers limit reached');
  await nc.close();

  const node = await all.connect('node');
  const taken: string[] = [];
  const taking = decider.consume(factStream.name, deciderConsumer, (delivery) => {
    taken.push(delivery.text);
    delivery.ack();
  });
  await node.publish({ subject: subjects.fact('node', 'container', 's'), text: 'amid them' }, 'amid');
  await vi.waitFor(() => expect(taken).toContain('amid them'));
  await taking.stop();
});

test('what is refused is an error to who waits for an answer, and in the log where nobody does', async () => {
  const log: unknown[] = [];
  const write = (message: string, fields?: Record<string, unknown>) => void log.push([message, fields]);
  const node = await all.connect('node', { log: { info: write, warn: write } });
  await expect(node.publish({ subject: subjects.fact('node', 'service', 's'), text: 'x' }, 'x')).rejects.toThrow(
    NotPermitted,
  );
  await expect(node.mesh.put('service.s', 'x', 0)).rejects.toThrow(NotPermitted);
  await expect(node.provision()).rejects.toThrow(NotPermitted);
  node.broadcast({ subject: subjects.beat('other'), text: 'x' });
  node.subscribe(subjects.outcomes, () => {});
  await vi.waitFor(() => {
    expect(log).toContainEqual([
      'bus: not permitted',
      { operation: 'publish', subject: 'fairway.beat.other', refused: 1 },
    ]);
    expect(log).toContainEqual([
      'bus: not permitted',
      { operation: 'subscription', subject: 'fairway.outcome.>', refused: 1 },
    ]);
  });
});
