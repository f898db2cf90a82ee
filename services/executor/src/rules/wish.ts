import type { Address, Note, Plan } from '@fairway/mesh';
import { showPort } from '@fairway/mesh';
import { type HostRules, type IngressWish, type PortKey, portKey, showTarget, type Target } from './rules.ts';

/** What a plan asks of a node's two namespaces, and what of it these rules cannot say. */
export type Wish = { readonly host: HostRules; readonly ingress: IngressWish; readonly notes: readonly Note[] };

/**
 * A plan as wanted rules. Undefined where the plan has no ingress sandbox to lead ports to: the node then keeps what it
 * has. A range of ports becomes one entry per port number. SCTP and IPv6 are left out, each with a note.
 */
export function wishFromPlan(plan: Pick<Plan, 'ingress'>): Wish | undefined {
  if (!plan.ingress) return undefined;
  const { gateway, ports } = plan.ingress;
  const host = new Map<PortKey, Address>();
  const ingress = new Map<PortKey, readonly Target[]>();
  const notes: Note[] = [];
  if (gateway.family !== 'ip') {
    notes.push({ kind: 'refused', about: 'ingress_sbox', why: `leads over ${gateway.text}; only IPv4 is served` });
    return { host: { kind: 'host', ports: host }, ingress: { kind: 'ingress', ports: ingress }, notes };
  }
  for (const { port, backends } of ports) {
    if (port.protocol === 'sctp') {
      notes.push({ kind: 'refused', about: showPort(port), why: 'SCTP has no rules; publish it in host mode' });
      continue;
    }
    for (let offset = 0; offset <= port.last - port.first; offset += 1) {
      const key = portKey(port.protocol, port.first + offset);
      const targets = new Map<string, Target>();
      for (const { address } of backends) {
        if (address.family !== 'ip') {
          if (offset === 0)
            notes.push({ kind: 'refused', about: showPort(port), why: `${address.text}: only IPv4 is served` });
          continue;
        }
        const target = { address, port: port.target + offset };
        targets.set(showTarget(target), target);
      }
      host.set(key, gateway);
      ingress.set(key, [...targets.values()]);
    }
  }
  return { host: { kind: 'host', ports: host }, ingress: { kind: 'ingress', ports: ingress }, notes };
}
