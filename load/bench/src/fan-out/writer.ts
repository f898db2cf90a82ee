/** Writes services' entries into the mesh bucket, as a decider does; a program to be asked. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Bus, connectBus, keys } from '@fairway/bus';
import { monotonicMs } from './clock.ts';
import { answerStarter } from './program.ts';
import { serviceEntry } from './service-entry.ts';

/** One change: its revision, when its writing began, and when the bus had acknowledged it. */
export type Written = { readonly revision: number; readonly atMs: number; readonly ackedMs: number };

/** More than any queue on a busy machine; a write without an answer would end the round. */
const answerMaxMs = 60_000;
/** A cluster needs up to 7 s for a new leader, on an idle machine. */
const triedMaxMs = 30_000;
const triedEveryMs = 20;

let bus: Bus;
const revisions = new Map<string, number>();
let changes = 0;

async function write(service: number, atMs = monotonicMs()): Promise<Written> {
  const key = keys.service(`${service}`);
  changes += 1;
  const revision = await bus.mesh.put(key, serviceEntry(service, changes), revisions.get(key) ?? 0);
  revisions.set(key, revision);
  return { revision, atMs, ackedMs: monotonicMs() };
}

/** Tries until the bus does it: a cluster that has just started, or lost its leader, answers nothing for a while. */
async function insist<Done>(work: () => Promise<Done>): Promise<Done> {
  for (const endMs = monotonicMs() + triedMaxMs; ; await pause(triedEveryMs)) {
    try {
      return await work();
    } catch (error) {
      if (monotonicMs() > endMs) throw error;
    }
  }
}

/** Changes a service, trying until the bus takes it. */
async function insistOn(service: number): Promise<Written> {
  const key = keys.service(`${service}`);
  return insist(async () => {
    // What had no answer may have been written all the same.
    const held = await bus.mesh.get(key);
    revisions.set(key, held?.revision ?? 0);
    return write(service);
  });
}

const commands = {
  async connect(servers: readonly string[]): Promise<void> {
    // With the usual time for an answer: a cluster that has just started gives none, and is asked again.
    const provisioner = await connectBus({ servers, name: 'provisioner' });
    await insist(() => provisioner.provision());
    bus = await connectBus({ servers, name: 'writer', timeoutMs: answerMaxMs });
  },

  async fill(services: number): Promise<void> {
    for (let service = 0; service < services; service += 1) await insistOn(service);
  },

  /** Changes one service after the other, at an even rate; only a service's own last change is waited for. */
  async change(services: number, perSecond: number, forMs: number): Promise<Written[]> {
    const begunMs = monotonicMs();
    const all: Promise<Written>[] = [];
    for (let n = 0; n < (forMs / 1000) * perSecond; n += 1) {
      await pause(Math.max(0, begunMs + (n * 1000) / perSecond - monotonicMs()));
      const atMs = monotonicMs();
      const before = all[n - services] ?? Promise.resolve();
      all.push(before.then(() => write(n % services, atMs)));
    }
    return Promise.all(all);
  },

  changeOnce: insistOn,

  async entries(): Promise<[key: string, revision: number][]> {
    return [...revisions];
  },
};

export type WriterCommands = typeof commands;

answerStarter(commands);
