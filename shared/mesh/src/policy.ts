import type { Note } from './outcome.ts';
import type { ServiceSpec } from './service.ts';

/** How IPVS chooses a task for a connection (ipvsadm(8), `--scheduler`; Documentation/networking/ipvs-sysctl.rst). */
export const schedulers = ['rr', 'wrr', 'lc', 'wlc', 'sh', 'mh', 'sed', 'nq'] as const;
export type Scheduler = (typeof schedulers)[number];

/** What the operator asks for by labels on the service. */
export type Policy = {
  /** `fairway.scheduler`; `rr`, each task in turn, without it. */
  readonly scheduler: Scheduler;
  /** `fairway.one-packet=true`: each UDP packet is balanced by itself, as DNS servers want it. */
  readonly onePacket: boolean;
};

export const defaultPolicy: Policy = { scheduler: 'rr', onePacket: false };

/** The service's policy. A label that says nothing known gets a note, and counts as if it were not there. */
export function policyOf({ name, labels }: Pick<ServiceSpec, 'name' | 'labels'>, notes: Note[]): Policy {
  const read = <Value>(label: string, values: ReadonlyMap<string, Value>, otherwise: Value): Value => {
    const text = labels[label];
    const value = text === undefined ? otherwise : values.get(text);
    if (value !== undefined) return value;
    const why = `label ${label}=${text} is none of ${[...values.keys()].join(', ')}; it counts as if it were not there`;
    notes.push({ kind: 'refused', about: name, why });
    return otherwise;
  };
  return {
    scheduler: read('fairway.scheduler', new Map(schedulers.map((one) => [one, one])), defaultPolicy.scheduler),
    onePacket: read(
      'fairway.one-packet',
      new Map([
        ['true', true],
        ['false', false],
      ]),
      defaultPolicy.onePacket,
    ),
  };
}
