// Three nodes at 10.99.0.11 to .13; traces are received at 10.99.0.1:4318, while this test runs. Ports 8190, 8191.
import { run, until } from '@fairway/cluster';
import { suiteTracesUrl } from '@fairway/cluster/suite';
import { expect } from 'vitest';
import { type ReceivedSpan, receiveTraces } from './received-traces.ts';
import { test } from './swarm-test.ts';

test("a container's start is one trace: seen by its node, decided, applied by every node with the kernel's time", async ({
  swarm,
}) => {
  await swarm.create('traced', { ports: ['8190:8000'] });
  await swarm.answers('traced', 8190);
  const [before] = await swarm.running('traced', 1);
  const { spans, end } = await receiveTraces(swarm.cluster.client.namespace, suiteTracesUrl);
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
    const within = (root: ReceivedSpan | undefined) => spans.filter(({ traceId }) => traceId === root?.traceId);
    const appliesOf = (all: readonly ReceivedSpan[]) => all.filter(({ name }) => name === 'apply');
    let trace: ReceivedSpan[] = [];
    await until(
      'the whole trace to be received',
      () => {
        trace =
          sent()
            .map(within)
            .find((all) => appliesOf(all).length >= 3) ?? [];
        return trace.length > 0 || `received: ${JSON.stringify(sent().map(within))} of ${spans.length} spans`;
      },
      { limitMs: 20_000 },
    );

    const childrenOf = ({ spanId }: ReceivedSpan) => trace.filter(({ parentSpanId }) => parentSpanId === spanId);
    const [root, ...otherRoots] = trace.filter(({ parentSpanId }) => !parentSpanId);
    if (!root) throw new Error('no root');
    expect(otherRoots).toEqual([]);
    expect(root).toMatchObject({ name: 'send fairway.fact', service: 'fairway-node' });
    const [decided, ...otherDecisions] = childrenOf(root);
    if (!decided) throw new Error('no decision');
    expect(otherDecisions).toEqual([]);
    expect(decided).toMatchObject({ name: 'process fairway.fact', service: 'fairway-decider' });

    const applies = childrenOf(decided);
    expect(applies.map(({ name }) => name)).toEqual(['apply', 'apply', 'apply']);
    expect(applies.map(({ attributes }) => attributes['fairway.node']).sort()).toEqual(
      swarm.nodes.map(({ swarmNodeId }) => swarmNodeId).sort(),
    );
    for (const apply of applies) {
      expect(apply.events).toContain('planned');
      expect(apply.attributes['fairway.added']).toBeGreaterThan(0);
      const kernel = childrenOf(apply).map(({ name }) => name);
      expect(kernel).toContain('nft ingress');
      expect(kernel.every((name) => name.startsWith('nft '))).toBe(true);
    }
    expect(trace).toHaveLength(2 + 3 + applies.flatMap(childrenOf).length);
    for (const { startTimeUnixNano, endTimeUnixNano } of trace) {
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
  const { spans, end } = await receiveTraces(swarm.cluster.client.namespace, suiteTracesUrl);
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
        const trace = spans.filter(({ traceId }) => traceId === root.traceId);
        const applies = trace.filter(({ name }) => name === 'apply');
        if (new Set(applies.map(({ attributes }) => attributes['fairway.node'])).size === 3)
          return { root, trace, applies };
      }
      return undefined;
    };
    await until(
      'the whole trace to be received',
      () =>
        whole() !== undefined ||
        `received: ${JSON.stringify(spans.map(({ name, traceId, attributes }) => [name, traceId, attributes]))}`,
      { limitMs: 20_000 },
    );
    const { root, trace, applies } = whole() ?? {};
    const decided = trace?.find(({ name }) => name === 'process fairway.fact');
    expect(decided?.parentSpanId).toBe(root?.spanId);
    for (const { attributes, parentSpanId } of applies ?? []) {
      const isOwn = attributes['fairway.node'] === victim.node;
      expect(parentSpanId).toBe(isOwn ? root?.spanId : decided?.spanId);
    }
  } finally {
    await end();
  }
});
