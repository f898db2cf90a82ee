import { type Address, parseAddress } from './address.ts';
import type { EndpointState } from './endpoint.ts';
import type { Note } from './outcome.ts';

/** What a node can be asked to explain: a published port, or a virtual IP. */
export type Asked =
  | { readonly kind: 'port'; readonly protocol: 'tcp' | 'udp'; readonly port: number }
  | { readonly kind: 'vip'; readonly address: Address };

/** Reads `8000`, `8000/udp` or `10.0.1.5`; undefined for anything else. */
export function parseAsked(text: string): Asked | undefined {
  const [, digits, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? [];
  if (digits === undefined) {
    const address = text.includes('/') ? undefined : parseAddress(text);
    return address && { kind: 'vip', address };
  }
  const port = Number(digits);
  if (port < 1 || port > 65535) return undefined;
  return { kind: 'port', protocol: protocol === 'udp' ? 'udp' : 'tcp', port };
}

/** Where a node leads a port or a virtual IP, why, and what of it its kernel has. */
export type Explanation = {
  /** The node's name. */
  readonly node: string;
  /** `8000/tcp`, `VIP 10.0.1.5`. */
  readonly target: string;
  /** The mesh's revision that the node's last plan was made from. */
  readonly revision: number;
  /** The service that it belongs to; absent where there is none. */
  readonly service?: string;
  /** Why the node does not serve it; absent where it does. */
  readonly unserved?: string;
  readonly backends: readonly ExplainedBackend[];
  /** What the kernel must have for it. `held` is absent where it could not be read. */
  readonly kernel: readonly { readonly what: string; readonly held?: boolean }[];
  /** What the node's plan waits for or refuses about it. */
  readonly notes: readonly Note[];
  /** What changed the service last, newest first. */
  readonly causes: readonly { readonly event: string; readonly atMs: number; readonly trace: string }[];
};

/** One task of the service. */
export type ExplainedBackend = {
  readonly task: string;
  readonly service: string;
  /** The name of its node. */
  readonly node: string;
  /** Absent where the task has none on the network in question. */
  readonly address?: string;
  /** What it is to the node that was asked. */
  readonly state: EndpointState;
  /** Milliseconds of the decider's clock. */
  readonly sinceMs: number;
  readonly awaited?: string;
  /** Whether the node's plan sends new connections to it. */
  readonly planned: boolean;
  /** Whether the node's kernel does; absent where it could not be read. */
  readonly held?: boolean;
};
