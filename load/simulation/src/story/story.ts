import type { MemoryFaults } from '@fairway/bus';
import type { ServiceWish } from '../swarm/swarm.ts';

/** What a run begins with. */
export type Shape = {
  /** `ipvs` where IPVS balances on it. */
  readonly machines: readonly { readonly manager: boolean; readonly skewMs: number; readonly ipvs?: boolean }[];
  readonly deciders: readonly { readonly skewMs: number }[];
  /** How many, none where it is not said. */
  readonly consoles?: number;
  /** Likewise; nodes beat for them, and try to reach each other. */
  readonly sentinels?: number;
  readonly overlays: number;
};

/** What of Fairway's there may be several of. */
export type Replicated = 'decider' | 'sentinel' | 'console';

/**
 * Which of several an event is about, from 0 to below 1: that share of those that there are when it happens. So an event
 * keeps its meaning when others before it are left out.
 */
type Share = number;

/** What operators and programs do; no fault of anybody. */
export type Change =
  | { readonly kind: 'create service'; readonly wish: ServiceWish }
  | { readonly kind: 'scale service'; readonly service: Share; readonly replicas: number }
  | { readonly kind: 'update service'; readonly service: Share; readonly target: number }
  | { readonly kind: 'remove service'; readonly service: Share }
  | { readonly kind: 'container ends' | 'container sickens' | 'container is signalled'; readonly task: Share }
  | { readonly kind: 'create network' }
  /** One that nothing is on. */
  | { readonly kind: 'remove network'; readonly network: Share }
  /** A machine is gone for good and its node is removed; later what is put in its place joins as another node. */
  | { readonly kind: 'replace node'; readonly machine: Share; readonly forMs: number }
  | { readonly kind: 'drain node' | 'activate node' | 'promote node' | 'demote node'; readonly machine: Share }
  /** One more of a service of Fairway's shares the work from now on. */
  | { readonly kind: 'replica joins'; readonly of: Replicated; readonly skewMs: number };

/** What goes wrong. */
export type Misfortune =
  /** The bus is so for all of its connections. */
  | { readonly kind: 'weather'; readonly faults: MemoryFaults; readonly forMs: number }
  | { readonly kind: 'bus wiped' }
  /** The bucket is as it was at an earlier backup, with the epoch and the revisions of then. */
  | { readonly kind: 'bus restored'; readonly backup: Share }
  | { readonly kind: 'swarm restored'; readonly backup: Share }
  | { readonly kind: 'cut from the bus'; readonly process: Share; readonly forMs: number }
  /** What the process says, or what it is told, arrives only afterwards, and its connection seems to be there. */
  | { readonly kind: 'half cut'; readonly process: Share; readonly half: 'outward' | 'inward'; readonly forMs: number }
  /** The bus's servers part: these processes are on the side without a majority, where nothing is stored. */
  | { readonly kind: 'bus parts'; readonly processes: readonly Share[]; readonly forMs: number }
  /** A machine's process is cut from the bus, and its sandbox and another's do not reach each other: sentinels ask for both. */
  | { readonly kind: 'half seen'; readonly machine: Share; readonly other: Share; readonly forMs: number }
  /** These machines do not reach the managers, and where it is `whole` the bus neither. */
  | { readonly kind: 'partition'; readonly machines: readonly Share[]; readonly whole: boolean; readonly forMs: number }
  /** The process dies after so many more effects, the last of them done or not. */
  | {
      readonly kind: 'process dies';
      readonly process: Share;
      readonly effects: number;
      readonly done: boolean;
      readonly forMs: number;
    }
  | { readonly kind: 'all processes die'; readonly forMs: number }
  /** And with `restarts` the node's process too, which is started again before it. */
  | { readonly kind: 'dockerd ends'; readonly machine: Share; readonly restarts?: boolean; readonly forMs: number }
  | { readonly kind: 'power fails'; readonly machine: Share; readonly forMs: number }
  /** What the machine's dockerd tells of the swarm comes late, and in any order. */
  | { readonly kind: 'manager lags'; readonly machine: Share; readonly lagMs: number; readonly forMs: number }
  /** The machine's dockerd answers with something that fits no schema where this object should be. */
  | {
      readonly kind: 'garbled';
      readonly machine: Share;
      readonly what: 'service' | 'task' | 'node' | 'network' | 'container';
      readonly object: Share;
      readonly forMs: number;
    }
  /** Docker's gossip takes another machine for lost on this one, or this one on the other: no way there, or none back. */
  | {
      readonly kind: 'gossip errs';
      readonly machine: Share;
      readonly other: Share;
      readonly lost: 'noWay' | 'silent';
      readonly forMs: number;
    }
  /** Somebody takes Fairway's table out of one of the machine's namespaces; nft's events tell of it, or only a look does. */
  | { readonly kind: 'table deleted'; readonly machine: Share; readonly namespace: Share; readonly told: boolean }
  | { readonly kind: 'kernel fails'; readonly machine: Share; readonly oneIn: number; readonly forMs: number }
  | { readonly kind: 'kernel is slow'; readonly machine: Share; readonly slowMs: number; readonly forMs: number }
  /** The kernel takes no transaction with an element of this service's. */
  | { readonly kind: 'element refused'; readonly machine: Share; readonly service: Share; readonly forMs: number };

/** Something that happens, so long after the beginning. */
export type StoryEvent = { readonly atMs: number } & (Change | Misfortune);

/** A run, as data: the same story is the same run. */
export type Story = { readonly seed: number; readonly shape: Shape; readonly events: readonly StoryEvent[] };

/** An event in one line: `12.345 s  process dies: process 0.42, effects 3, done false, forMs 800`. */
export function showEvent(event: StoryEvent): string {
  const { atMs, kind, ...rest } = event;
  const about = Object.entries(rest).map(([name, value]) => `${name} ${showValue(value)}`);
  return `${showTime(atMs)}  ${kind}${about.length > 0 ? `: ${about.join(', ')}` : ''}`;
}

function showValue(value: unknown): string {
  if (typeof value === 'number') return `${Number(value.toFixed(3))}`;
  return typeof value === 'object' ? JSON.stringify(value) : `${value}`;
}

export function showTime(atMs: number): string {
  return `${(atMs / 1000).toFixed(3).padStart(9)} s`;
}
