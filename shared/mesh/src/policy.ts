import type { Note } from './outcome.ts';
import type { ServiceSpec } from './service.ts';

/** How IPVS chooses a task for a connection (ipvsadm(8), `--scheduler`; Documentation/networking/ipvs-sysctl.rst). */
export const schedulers = ['rr', 'wrr', 'lc', 'wlc', 'sh', 'mh', 'sed', 'nq'] as const;
export type Scheduler = (typeof schedulers)[number];

/** What the operator asks for by labels on the service. */
export type Policy = {
  /** `fairway.scheduler`; `rr`, each task in turn, without it. */
  readonly scheduler: Scheduler;
  /** `fairway.one-packet`: each UDP datagram goes to a task by itself, whatever socket it is from. */
  readonly onePacket?: true;
};

export const defaultPolicy: Policy = { scheduler: 'rr' };

/** The service's policy. A label that says nothing known gets a note, and counts as if it were not there. */
export function policyOf({ name, labels }: Pick<ServiceSpec, 'name' | 'labels'>, notes: Note[]): Policy {
  const read = <T extends string>(label: string, known: readonly T[]): T | undefined => {
    const text = labels[label];
    const value = known.find((one) => one === text);
    if (text !== undefined && value === undefined) {
      const why = `label ${label}=${text} is none of ${known.join(', ')}; it counts as if it were not there`;
      notes.push({ kind: 'refused', about: name, why });
    }
    return value;
  };
  return {
    scheduler: read('fairway.scheduler', schedulers) ?? defaultPolicy.scheduler,
    ...(read('fairway.one-packet', ['true', 'false']) === 'true' ? { onePacket: true } : {}),
  };
}
