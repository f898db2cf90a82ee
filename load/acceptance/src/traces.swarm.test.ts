// Three nodes at 10.99.0.11 to .13; traces are received at 10.99.0.1:4318, while this test runs. Ports 8190, 8191.
import { run, tracesUrl, until } from '@fairway/cluster';
import { type ReceivedSpan, receiveTraces } from '@fairway/trace-receiver';
import { expect } from 'vitest';
import { test } from './swarm-test.ts';

const hasChanged =
  (what: 'added' | 'removed') =>
  ({ attributes }: Pick<ReceivedSpan, 'attributes'>) =>
    Number(attributes[`fairway.${what}`]) > 0;

test("a container's start is one trace: seen by its node, decided, applied by every node with the kernel's time", async ({
  swarm,
}) => {
  await swarm.create('traced', { ports: ['8190:8000'] });
  await swarm.answers('traced', 8190);
  const [before] = await swarm.running('traced', 1);
  const { spans, end } = await receiveTraces(swarm.cluster.client.namespace, tracesUrl);
  try {
    await swarm.update('traced', '--replicas', '2');
    const added = (await swarm.running('traced', 2)).find(({ id }) => id !== before?.id);
    await swarm.answers('traced', 8190, 2);

    const sent = () =>
      spans.filter(
        ({ name, attributes }) =>
          name === 'send fairway.fact' &&
          attributes['fairway.fact.kind'] === 'container' &&
          attributes['fairway.event'] === 'container start' &&
          attributes['fairway.node'] === added?.node,
      );
    const childrenOf = ({ spanId }: ReceivedSpan) => spans.filter(({ parentSpanId }) => parentSpanId === spanId);
    // A round that something else brings too is a part of that one's trace, and linked to this one.
    const appliesOf = (decided: ReceivedSpan) =>
      spans.filter(
        ({ name, parentSpanId, links }) =>
          name === 'apply' && (parentSpanId === decided.spanId || links.includes(decided.spanId)),
      );
    let found: { root: ReceivedSpan; decided: ReceivedSpan; applies: ReceivedSpan[] } | undefined;
    await until(
      'the whole trace to be received',
      () => {
        for (const root of sent()) {
          const [decided] = childrenOf(root);
          // A kernel that takes long has its part in a round of its own: of each node those that added something.
          const applies = (decided ? appliesOf(decided) : []).filter(hasChanged('added'));
          const nodes = new Set(applies.map(({ attributes }) => attributes['fairway.node']));
          if (decided && nodes.size >= 3) found = { root, decided, applies };
        }
        return found !== undefined || `of ${spans.length} spans these: ${JSON.stringify(sent().map(childrenOf))}`;
      },
      { limitMs: 20_000 },
    );
    if (!found) throw new Error('no trace');
    const { root, decided, applies } = found;
    expect(root).toMatchObject({ name: 'send fairway.fact', service: 'fairway-node' });
    expect(root.parentSpanId ?? '').toBe('');
    expect(childrenOf(root)).toEqual([decided]);
    expect(decided).toMatchObject({ name: 'process fairway.fact', service: 'fairway-decider', traceId: root.traceId });
    expect([...new Set(applies.map(({ attributes }) => attributes['fairway.node']))].sort()).toEqual(
      swarm.nodes.map(({ swarmNodeId }) => swarmNodeId).sort(),
    );
    for (const { swarmNodeId } of swarm.nodes) {
      const own = applies.filter(({ attributes }) => attributes['fairway.node'] === swarmNodeId);
      for (const apply of own) expect(Object.keys(apply.events)).toContain('planned');
      const kernel = own.flatMap(childrenOf).map(({ name }) => name);
      expect(kernel).toContain('nft ingress');
      expect(kernel.every((name) => name.startsWith('nft '))).toBe(true);
    }
    for (const { startTimeUnixNano, endTimeUnixNano } of [root, decided, ...applies, ...applies.flatMap(childrenOf)]) {
      expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
    }
  } finally {
    await end();
  }
});

test("a container's death is one trace, also on its own node, which applies it before the bus is told", async ({
  swarm,
}) => {
  await swarm.create('mourned', { ports: ['8191:8000'], replicas: 2 });
  await swarm.answers('mourned', 8191, 2);
  const [victim] = await swarm.running('mourned', 2);
  const home = swarm.nodes.find(({ swarmNodeId }) => swarmNodeId === victim?.node);
  if (!victim || !home) throw new Error('no victim');
  const { spans, end } = await receiveTraces(swarm.cluster.client.namespace, tracesUrl);
  try {
    await run(['docker', '-H', `unix://${home.socket}`, 'kill', '--signal', 'KILL', victim.container]);
    const whole = () => {
      const roots = spans.filter(
        ({ name, attributes }) =>
          name === 'send fairway.fact' &&
          attributes['fairway.node'] === victim.node &&
          ['container kill', 'container die'].includes(`${attributes['fairway.event']}`),
      );
      for (const root of roots) {
        const decided = spans.find(
          ({ name, parentSpanId }) => name === 'process fairway.fact' && parentSpanId === root.spanId,
        );
        // Of each node the first one that took something away: after that it has nothing left to apply.
        const applies = swarm.nodes.flatMap(({ swarmNodeId }) => {
          // The others by the node's own word or by the mesh, whichever came first.
          const causes = [root, ...(decided && swarmNodeId !== victim.node ? [decided] : [])].map(
            ({ spanId }) => spanId,
          );
          const apply = spans.find(
            ({ name, attributes, parentSpanId = '', links }) =>
              name === 'apply' &&
              hasChanged('removed')({ attributes }) &&
              attributes['fairway.node'] === swarmNodeId &&
              causes.some((cause) => parentSpanId === cause || links.includes(cause)),
          );
          return apply ? [apply] : [];
        });
        if (applies.length === 3) return true;
      }
      return false;
    };
    await until(
      'the whole trace to be received',
      () =>
        whole() ||
        `received: ${JSON.stringify(spans.map(({ name, traceId, attributes }) => [name, traceId, attributes]))}`,
      { limitMs: 20_000 },
    );
  } finally {
    await end();
  }
});
