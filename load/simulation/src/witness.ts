import {
  type BucketEntry,
  type MemoryBus,
  parseKey,
  readFact,
  readOutcome,
  readService,
  senderOf,
  subjects,
} from '@fairway/bus';
import { type Endpoint, endpointState, type Fact } from '@fairway/mesh';

type Witness = {
  readonly say: (who: string, tell: () => string) => void;
  /** An entry of the mesh was written. */
  readonly onBegin: () => void;
  readonly onWrite: (entry: BucketEntry) => void;
  /** A node said that others changed what its kernel has. */
  readonly onDrift: (node: string, namespace: string, found: readonly string[]) => void;
};

/** Follows all that passes on the bus, from a connection that is never lost, and tells it in lines. */
export function witness(bus: MemoryBus, { say, onBegin, onWrite, onDrift }: Witness): void {
  bus.subscribe(subjects.facts, (message) => {
    say(senderOf(message.subject) ?? '', () => {
      const { body, event } = readFact(message);
      return `says ${showFact(body)} (${event})`;
    });
  });
  bus.subscribe(subjects.outcomes, (message) => {
    const { body, sender } = readOutcome(message);
    if (body.kind === 'drifted') onDrift(sender, body.namespace, body.found);
    if ('found' in body) say(sender, () => `${body.kind} in ${body.namespace}: ${body.found.join('; ')}`);
  });
  bus.mesh.follow({
    begin(epoch) {
      say('mesh', () => `epoch ${epoch}`);
      onBegin();
    },
    entry(entry) {
      say('mesh', () => `${entry.revision} ${showEntry(entry)}`);
      onWrite(entry);
    },
    caughtUp: () => {},
  });
}

function showFact(fact: Fact): string {
  switch (fact.kind) {
    case 'service': {
      const claims = fact.tasks.map(({ id, claim, index }) => `${id}=${claim}@${index}`);
      const gone = fact.gone.map((task) => `${task}=gone`);
      const confirmed = fact.confirmed ? ['confirmed'] : [];
      return [`service ${fact.spec.id}@${fact.spec.index}`, ...claims, ...gone, ...confirmed].join(' ');
    }
    case 'container':
      return `container of ${fact.task} ${fact.state}, tick ${fact.reading.tick}`;
    case 'node':
      return `node ${fact.node.id}@${fact.node.index} ${fact.node.state}${fact.confirmed ? ' confirmed' : ''}`;
    case 'network':
      return `network ${fact.network.name}${fact.confirmed ? ' confirmed' : ''}`;
    case 'service-gone':
      return `service ${fact.service} is gone`;
    case 'node-gone':
      return `node ${fact.node} is gone`;
    case 'network-gone':
      return `network ${fact.network} is gone`;
    case 'swarm-listing':
      return 'that this was the whole swarm';
    case 'node-listing':
      return `that it has ${fact.tasks.join(' ') || 'no task'}${fact.partial ? ' and more' : ''}, tick ${fact.tick}`;
  }
}

function showEntry({ key, text }: BucketEntry): string {
  if (text === undefined) return `${key} deleted`;
  if (parseKey(key)?.kind !== 'service') return key;
  const { spec, endpoints, removedMs } = readService(key, text);
  if (removedMs !== undefined) return `${key}@${spec.index} removed`;
  return [`${key}@${spec.index}`, ...endpoints.map(showEndpoint)].join(' ');
}

function showEndpoint(endpoint: Endpoint): string {
  const { task, claim, container, index } = endpoint;
  return `${task}=${endpointState(endpoint)}(${claim}@${index}, ${container})`;
}
