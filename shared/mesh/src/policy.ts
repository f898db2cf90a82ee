import type { Note } from './outcome.ts';
import type { ServiceSpec } from './service.ts';

/** How IPVS chooses a task for a connection (ipvsadm(8), `--scheduler`; Documentation/networking/ipvs-sysctl.rst). */
export const schedulers = ['rr', 'wrr', 'lc', 'wlc', 'sh', 'mh', 'sed', 'nq'] as const;
export type Scheduler = (typeof schedulers)[number];

/** What the operator asks for by labels on the service. */
export type Policy = {
  /** `fairway.scheduler`; `rr`, each task in turn, without it. */
  readonly scheduler: Scheduler;
};

export const defaultPolicy: Policy = { scheduler: 'rr' };

/** The service's policy. A label that says nothing known gets a note, and counts as if it were not there. */
export function policyOf({ name, labels }: Pick<ServiceSpec, 'name' | 'labels'>, notes: Note[]): Policy {
  const text = labels[schedulerLabel];
  const scheduler = text === undefined ? defaultPolicy.scheduler : schedulers.find((one) => one === text);
  if (scheduler) return { scheduler };
  const why = `label ${schedulerLabel}=${text} is none of ${schedulers.join(', ')}; it counts as if it were not there`;
  notes.push({ kind: 'refused', about: name, why });
  return defaultPolicy;
}

const schedulerLabel = 'fairway.scheduler';
