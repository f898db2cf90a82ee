import { createMemoryBus, type Envelope, keys, readService, SimulatedClock } from '@fairway/bus';
import type { Fact } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { decideNetwork, decideNode, decideService } from './decide.ts';
import { claim, container, report } from './decider-lab.ts';
import type { foldNetwork } from './fold-network.ts';
import type { foldNode } from './fold-node.ts';
import type { ServiceChange } from './service-change.ts';

const context = { nowMs: 1000, isRetired: () => false, isListed: () => false, isRemoved: () => false };
const told = <Body>(body: Body, event: string): Envelope<Body> => {
  return { schema: 1, epoch: 'e', sender: 'n1', event, atMs: 0, trace: `00-${event}`, body };
};

test('a fact that was delivered twice is one cause of a write, though it has more to say after those between', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const work = async () => {
    await bus.provision();
    const gone = told(report('web', 5, [claim('t2', 'n1', 6)], ['t1']), 'gone');
    const late = told(container('web', 't1', 'n1', 100), 'late');
    await decideService(bus.mesh, 'web', [gone, late, gone], context);
    const entry = readService('service.web', (await bus.mesh.get(keys.service('web')))?.text ?? '');
    expect(entry.endpoints.map((held) => [held.task, held.claim])).toEqual([
      ['t2', 'running'],
      ['t1', 'released'],
    ]);
    expect(entry.causes.map(({ event }) => event)).toEqual(['gone', 'late']);
  };
  await clock.settle(work());
});

test('a fact in which something is odd changes nothing, and is told of', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const odd: string[] = [];
  const decide = (...bodies: Parameters<typeof told<ReturnType<typeof container>>>[0][]) =>
    decideService(
      ...([bus.mesh, 'web', bodies.map((body) => told(body, 'container')), context, undefined] as const),
      (oddity, fact) => odd.push(`${fact.kind === 'container' && fact.task}: ${oddity}`),
    );
  const work = async () => {
    await bus.provision();
    await decideService(bus.mesh, 'web', [told(report('web', 5, [claim('t1', 'n1', 6)]), 'report')], context);
    await decide(container('web', 't1', 'n1', 100));
    expect(odd).toEqual([]);
    const before = (await bus.mesh.get(keys.service('web')))?.revision;
    await decide(
      container('web', 't1', 'n1', 100),
      container('web', 't1', 'n1', 50),
      container('web', 't1', 'n2', 200),
    );
    expect(odd).toEqual([
      't1: it was told before',
      't1: a later one of its node was there before it',
      't1: its task is on another node',
    ]);
    expect((await bus.mesh.get(keys.service('web')))?.revision).toBe(before);
  };
  await clock.settle(work());
});

test('a manager’s word that comes late or after the end is odd, and one that is said twice or confirmed is not', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const odd: string[] = [];
  const onOdd = (oddity: string, { kind }: Fact) => void odd.push(`${kind}: ${oddity}`);
  const claimed = {
    id: 'n1',
    name: 'one',
    role: 'worker',
    availability: 'active',
    state: 'ready',
    labels: {},
  } as const;
  const node = (index: number, { confirmed = false, state = 'ready' as 'ready' | 'down' } = {}) =>
    ({ kind: 'node', node: { ...claimed, index, state }, confirmed }) as const;
  const is = { ingress: false, attachable: false, internal: false, encrypted: false };
  const network = (index: number) => ({ kind: 'network', network: { id: 'net', name: 'net', index, ...is } }) as const;
  const services = (...facts: readonly ServiceChange[]) =>
    decideService(...([bus.mesh, 'web', facts.map((fact) => told(fact, 'told')), context] as const), undefined, onOdd);
  const nodes = (...facts: Parameters<typeof foldNode>[1][]) =>
    decideNode(...([bus.mesh, 'n1', facts.map((fact) => told(fact, 'told')), 0] as const), undefined, onOdd);
  const networks = (...facts: Parameters<typeof foldNetwork>[1][]) =>
    decideNetwork(...([bus.mesh, 'net', facts.map((fact) => told(fact, 'told')), 0] as const), undefined, onOdd);
  const late = 'a later one of a manager was there before it';
  const over = 'what it tells of was removed before';
  const work = async () => {
    await bus.provision();
    const news = report('web', 4, [claim('t1', 'n1', 6)]);
    await services(report('web', 5, []), report('web', 5, []), report('web', 4, []), news);
    await services({ ...report('web', 3, []), confirmed: true });
    await services({ kind: 'service-gone', service: 'web' }, report('web', 6, []));
    expect(odd.splice(0)).toEqual([`service: ${late}`, `service: ${over}`]);
    // Of the index alone nobody says anything.
    await nodes(node(5), node(5), node(4), node(4, { state: 'down' }), node(3, { confirmed: true }));
    await nodes({ kind: 'node-gone', node: 'n1' }, node(6), node(6, { confirmed: true }));
    expect(odd.splice(0)).toEqual([`node: ${late}`, `node: ${over}`]);
    const listing = { kind: 'node-listing', listing: 'l', node: 'n1', tick: 1, tasks: [] } as const;
    const life = (boot: string) => ({ ...listing, incarnation: { boot, daemon: 'd' } });
    await nodes(life('b1'), life('b2'), life('b1'));
    expect(odd.splice(0)).toEqual(["node-listing: it is of its node's life before"]);
    await networks(network(5), network(5), network(4));
    await networks({ kind: 'network-gone', network: 'net' }, network(6), { ...network(6), confirmed: true });
    expect(odd).toEqual([`network: ${late}`, `network: ${over}`]);
  };
  await clock.settle(work());
});
