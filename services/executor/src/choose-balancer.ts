import type { Scheduler } from '@fairway/mesh';
import type { IpvsSupport } from './kernel/ipvs-support.ts';
import type { Balancer } from './rules/rules.ts';

export const balancerChoices = ['auto', 'ipvs', 'nftables'] as const;
export type BalancerChoice = (typeof balancerChoices)[number];

/** What balances on this node, and with which schedulers. */
export type Balancing = {
  readonly balancer: Balancer;
  readonly schedulers: ReadonlySet<Scheduler>;
  /** Why it is not what was asked for. */
  readonly instead?: string;
  /** Why it is nftables, where the choice was left open. */
  readonly because?: string;
};

/** IPVS was asked for and nothing else would do, and the machine has none. */
export class IpvsMissing extends Error {
  constructor(missing: string, get: string) {
    super(`IpvsMissing: ${missing} is missing, and FAIRWAY_BALANCER=ipvs is strict: ${get}`);
  }
}

/** nftables draws a task for each connection, which spreads as evenly as taking turns does. */
const ofNftables: Balancing = { balancer: 'nftables', schedulers: new Set(['rr']) };

/**
 * IPVS where it is asked for, or where the choice is left open, and the kernel has it; else nftables, for which nobody
 * need know what the kernel has.
 * @throws IpvsMissing where it is asked for strictly and missing
 */
export function chooseBalancer(asked: BalancerChoice, support: IpvsSupport | undefined, strict: boolean): Balancing {
  if (asked === 'nftables' || !support) return ofNftables;
  if ('schedulers' in support) return { balancer: 'ipvs', schedulers: support.schedulers };
  const { missing, get } = support;
  if (asked === 'auto') return { ...ofNftables, because: `for IPVS ${missing} is missing (${get})` };
  if (strict) throw new IpvsMissing(missing, get);
  return { ...ofNftables, instead: `IPVS was asked for, and ${missing} is missing (${get}); nftables balances` };
}
