import type { Fact } from '@fairway/mesh';

/** That a manager answered 404. */
export function goneFact(kind: 'service' | 'node' | 'network', id: string): Fact {
  switch (kind) {
    case 'service':
      return { kind: 'service-gone', service: id };
    case 'node':
      return { kind: 'node-gone', node: id };
    case 'network':
      return { kind: 'network-gone', network: id };
  }
}

/** What two facts must have in common for the second to say nothing new. Swarm raises a node's index with each service on it. */
export function withoutIndex(fact: Fact): unknown {
  if (fact.kind === 'node') return { ...fact, node: { ...fact.node, index: 0 } };
  return fact;
}
