import { type Chance, chanceFrom, type MemoryFaults, roughly } from '@fairway/bus';
import type { ServiceWish } from '../swarm/swarm.ts';
import type { Change, Misfortune, Replicated, Shape, Story, StoryEvent } from './story.ts';

const hourMs = 3_600_000;
const minuteMs = 60_000;

/** One story in so many has consoles, two of them: they change nothing for the others, and cost time. */
const consolesEvery = 4;
/** And one in so many has sentinels, two of them: beats are most of what happens then. Every second of these has all three. */
const sentinelsEvery = 6;

/** Draws the story of a seed, with so many events. */
export function drawStory(seed: number, steps: number): Story {
  const chance = chanceFrom(seed * 4);
  const consoles = seed % consolesEvery === 0;
  const sentinels = seed % sentinelsEvery === 0;
  const shape: Shape = {
    ...drawShape(chance),
    ...(consoles ? { consoles: 2 } : {}),
    ...(sentinels ? { sentinels: 2 } : {}),
  };
  const services = [
    'decider' as const,
    ...(consoles ? (['console'] as const) : []),
    ...(sentinels ? (['sentinel'] as const) : []),
  ];
  const events: StoryEvent[] = [];
  // What is restored excuses much: most stories do without, and are held to more.
  const restores = chance.happens(0.35);
  let atMs = 2_000;
  for (let n = 0; n < steps; n++) {
    // A swarm without services has nothing to go wrong.
    const event =
      n < 2 || chance.happens(0.5)
        ? drawChange(chance, services, n < 2)
        : drawMisfortune(chance, { restores, sentinels });
    events.push({ atMs, ...event });
    atMs += drawPauseMs(chance);
  }
  return { seed, shape, events };
}

function drawShape(chance: Chance): Shape {
  const machines = 2 + chance.upTo(2);
  const managers = chance.happens(0.5) ? 1 : Math.min(machines, 3);
  const skewMs = () => drawSkewMs(chance);
  return {
    machines: Array.from({ length: machines }, (_, n) => ({
      manager: n < managers,
      skewMs: skewMs(),
      ipvs: chance.happens(0.4),
    })),
    deciders: Array.from({ length: 1 + chance.upTo(2) }, () => ({ skewMs: skewMs() })),
    overlays: 2,
  };
}

/** Clocks that are right are the usual case, and the harder one to tell from each other. */
function drawSkewMs(chance: Chance): number {
  return chance.happens(0.3) ? (chance.upTo(10) - 5) * hourMs : chance.upTo(200) - 100;
}

/** Mostly so short that things are on their way to each other, sometimes long enough for what is only seen by a listing. */
function drawPauseMs(chance: Chance): number {
  const kind = chance.next();
  if (kind < 0.3) return chance.upTo(30);
  if (kind < 0.75) return chance.upTo(1_500);
  if (kind < 0.95) return chance.upTo(8_000);
  return chance.upTo(45_000);
}

function drawChange(chance: Chance, services: readonly Replicated[], first: boolean): Change {
  const kind = first ? 0 : chance.next();
  if (kind < 0.14) return { kind: 'create service', wish: drawWish(chance) };
  if (kind < 0.3) return { kind: 'scale service', service: chance.next(), replicas: chance.upTo(4) };
  if (kind < 0.42) return { kind: 'update service', service: chance.next(), target: 80 + chance.upTo(2) };
  if (kind < 0.5) return { kind: 'remove service', service: chance.next() };
  if (kind < 0.72) return { kind: 'container ends', task: chance.next() };
  if (kind < 0.78) return { kind: 'container sickens', task: chance.next() };
  if (kind < 0.82) return { kind: 'container is signalled', task: chance.next() };
  if (kind < 0.85) return { kind: 'replace node', machine: chance.next(), forMs: chance.upTo(30_000) };
  if (kind < 0.88) return { kind: 'create network' };
  if (kind < 0.92) return { kind: 'remove network', network: chance.next() };
  if (kind < 0.94) return { kind: 'replica joins', of: chance.pick(services) ?? 'decider', skewMs: drawSkewMs(chance) };
  const kinds = ['drain node', 'activate node', 'activate node', 'promote node', 'demote node'] as const;
  return { kind: chance.pick(kinds) ?? 'activate node', machine: chance.next() };
}

function drawWish(chance: Chance): ServiceWish {
  const dnsrr = chance.happens(0.05);
  const ports = dnsrr || chance.happens(0.2) ? 0 : 1 + chance.upTo(1);
  // The first two are there from the start, others where the story makes them.
  const networks = [1, 2, 3, 4].filter(() => chance.happens(0.4));
  return {
    replicas: 1 + chance.upTo(3),
    ports: Array.from({ length: ports }, () => ({
      protocol: chance.happens(0.2) ? ('udp' as const) : ('tcp' as const),
      published: 8000 + chance.upTo(40),
      target: 80,
    })),
    networks,
    health: chance.happens(0.3),
    mode: dnsrr ? 'dnsrr' : 'vip',
  };
}

/** What a story is drawn with: whether anything is restored in it, and whether there are sentinels. */
type Drawn = { readonly restores: boolean; readonly sentinels: boolean };

function drawMisfortune(chance: Chance, { restores, sentinels }: Drawn): Misfortune {
  const forMs = chance.happens(0.7) ? 100 + chance.upTo(4_000) : chance.upTo(40_000);
  const drawn = chance.next();
  // Where nothing is restored, a process dies in place of it: the restorations are 0.21 to 0.29 below.
  const kind = !restores && drawn >= 0.21 && drawn < 0.29 ? 0.6 : drawn;
  if (kind < 0.16) return { kind: 'weather', faults: drawFaults(chance), forMs: chance.upTo(minuteMs) };
  if (kind < 0.21) return { kind: 'bus wiped' };
  if (kind < 0.25) return { kind: 'bus restored', backup: chance.next() };
  if (kind < 0.29) return { kind: 'swarm restored', backup: chance.next() };
  if (kind < 0.33) return { kind: 'cut from the bus', process: chance.next(), forMs };
  if (kind < 0.36) {
    const half = chance.pick(['outward', 'inward'] as const) ?? 'outward';
    return { kind: 'half cut', process: chance.next(), half, forMs };
  }
  if (kind < 0.38) {
    return { kind: 'bus parts', processes: Array.from({ length: 1 + chance.upTo(3) }, () => chance.next()), forMs };
  }
  if (kind < 0.4 && sentinels) return { kind: 'half seen', machine: chance.next(), other: chance.next(), forMs };
  if (kind < 0.45) {
    const machines = Array.from({ length: 1 + chance.upTo(1) }, () => chance.next());
    return { kind: 'partition', machines, whole: chance.happens(0.5), forMs };
  }
  if (kind < 0.65) {
    const effects = chance.upTo(25);
    return { kind: 'process dies', process: chance.next(), effects, done: chance.happens(0.5), forMs };
  }
  if (kind < 0.68) return { kind: 'all processes die', forMs };
  if (kind < 0.75) return { kind: 'dockerd ends', machine: chance.next(), restarts: chance.happens(0.5), forMs };
  if (kind < 0.81) return { kind: 'power fails', machine: chance.next(), forMs };
  if (kind < 0.83) return { kind: 'manager lags', machine: chance.next(), lagMs: chance.upTo(20_000), forMs };
  if (kind < 0.88) {
    const what = chance.pick(['service', 'task', 'node', 'network', 'container'] as const) ?? 'service';
    return { kind: 'garbled', machine: chance.next(), what, object: chance.next(), forMs };
  }
  if (kind < 0.91) {
    const lost = chance.pick(['noWay', 'silent'] as const) ?? 'noWay';
    return { kind: 'gossip errs', machine: chance.next(), other: chance.next(), lost, forMs };
  }
  if (kind < 0.92)
    return { kind: 'table deleted', machine: chance.next(), namespace: chance.next(), told: chance.happens(0.5) };
  if (kind < 0.93) return { kind: 'kernel fails', machine: chance.next(), oneIn: 1 + chance.upTo(9), forMs };
  if (kind < 0.96) return { kind: 'kernel is slow', machine: chance.next(), slowMs: chance.upTo(4_000), forMs };
  return { kind: 'element refused', machine: chance.next(), service: chance.next(), forMs };
}

function drawFaults(chance: Chance): MemoryFaults {
  const kind = chance.next();
  if (kind < 0.4) return roughly;
  if (kind < 0.7) return { lateMsMax: 20, straggle: 0.2, straggleMsMax: chance.upTo(3 * minuteMs), doubled: 0.2 };
  if (kind < 0.85) return { lateMsMax: chance.upTo(5_000) };
  return { conflict: 0.4, failed: 0.3, ackLost: 0.3, lateMsMax: 10 };
}
