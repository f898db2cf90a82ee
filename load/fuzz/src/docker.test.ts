import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { corpus } from './corpus.ts';
import { dockerWith, wild } from './docker-answers.ts';
import { startFairway } from './fairway.ts';
import { hostileField, hostileValue } from './hostile.ts';
import { type Mutation, mutate, mutations } from './mutation.ts';
import { runs } from './runs.ts';

type Case = { readonly balancer: 'nftables' | 'ipvs'; readonly mutations: readonly Mutation[] };

/** From Docker's answers through watcher, bus, decider, plan and rules to the text for the kernel's programs. */
async function throughAll({ balancer, mutations }: Case): Promise<void> {
  const fairway = await startFairway(dockerWith(mutate(wild, mutations)), balancer);
  expect(fairway.stray).toEqual([]);
  const rules = fairway.kernel.rules('ingress');
  const held = rules && ('services' in rules ? rules.services.get('tcp . 7000') : rules.verdicts.get('tcp . 7000'));
  expect(held, 'the service whose answers are right').toBe(balancer === 'ipvs' ? 'balance' : 1);
  expect(fairway.unreadable).toEqual([]);
  const { services, nodes, revision } = await fairway.status();
  expect(services.map(({ id }) => id)).toContain('calm');
  expect(nodes.find(({ id }) => id === 'n1')?.applied, 'what node n1 tells of').toBe(revision);
  await fairway.stop();
  expect(fairway.stray).toEqual([]);
}

test.each(corpus<Case>('docker'))('kept: %s', (_, kept) => throughAll(kept));

const tried = runs(60);

test(
  'whatever Docker answers, nothing is injected, nobody stops, and what is right is served',
  async () => {
    const cases = fc.record({
      balancer: fc.constantFrom('nftables' as const, 'ipvs' as const),
      mutations: mutations(wild, hostileValue, hostileField),
    });
    await fc.assert(fc.asyncProperty(cases, throughAll), tried);
  },
  tried.limitMs,
);
