import { type Address, parseAddress, schedulers } from '@fairway/mesh';
import { type IpvsSandboxRules, showTarget, type Target } from './rules.ts';
import {
  type Connections,
  type Destination,
  type DestinationKey,
  destinationKey,
  type VirtualKey,
  type VirtualServer,
  vipOfMark,
  weightOfAnother,
} from './virtual-server.ts';

/** Virtual services read back. */
export type FoundVirtual = {
  readonly virtual: ReadonlyMap<VirtualKey, VirtualServer>;
  /** What of them is not as Fairway makes them, one sentence each. */
  readonly foreign: readonly string[];
};

/**
 * Fairway's virtual services in what `ipvsadm --save --numeric` prints (1.31): in the ingress sandbox those by address,
 * in a network's those whose mark is a virtual IP. Docker's are by other marks in both, and left out. Marks from 2^31 on
 * are printed as negative numbers, and taken as positive ones only.
 */
export function parseVirtual(kind: IpvsSandboxRules['kind'], text: string): FoundVirtual {
  const servers = new Map<VirtualKey, VirtualServer & { readonly destinations: Map<string, Destination> }>();
  const foreign: string[] = [];
  for (const line of text.split('\n')) {
    const [, verb, by = '', where = '', rest = ''] = /^-([Aa]) (-[tuf]) (\S+)(.*)$/.exec(line) ?? [];
    const key = verb && readVirtual(kind, by, where);
    if (!key) continue;
    if (verb === 'A') {
      const [, scheduler] = /^ -s (\S+)( -b sh-fallback)?$/.exec(rest.trimEnd()) ?? [];
      const known = schedulers.find((one) => one === scheduler);
      if (!known) foreign.push(`IPVS has ${line.trim()}`);
      servers.set(key, { scheduler: known ?? 'rr', destinations: new Map() });
      continue;
    }
    const [, real = '', port, how = ''] = /^ -r ([\d.]+):(\d+)(.*)$/.exec(rest.trimEnd()) ?? [];
    const [, weight] = /^ -m -w (\d+)$/.exec(how) ?? [];
    const address = parseAddress(real);
    if (weight === undefined || !address) foreign.push(`IPVS has ${line.trim()}`);
    const server = servers.get(key);
    if (!address || !server) continue;
    const target = readTarget(address, port);
    server.destinations.set(showTarget(target), {
      target,
      weight: weight === undefined ? weightOfAnother : Number(weight),
    });
  }
  return { virtual: servers, foreign };
}

/** The connections of the destinations of those services, in what `ipvsadm --list --numeric` prints (1.31). */
export function parseConnections(
  kind: IpvsSandboxRules['kind'],
  text: string,
): ReadonlyMap<DestinationKey, Connections> {
  const found = new Map<DestinationKey, Connections>();
  let server: VirtualKey | undefined;
  for (const line of text.split('\n')) {
    const [, carrier, where = ''] = /^(TCP|UDP|FWM) +(\S+) /.exec(line) ?? [];
    if (carrier) server = readVirtual(kind, options[carrier as keyof typeof options], where);
    const [, real = '', port, open, other] = /^ +-> ([\d.]+):(\d+) +Masq +\d+ +(\d+) +(\d+)/.exec(line) ?? [];
    const address = parseAddress(real);
    if (!address || !server) continue;
    found.set(destinationKey(server, readTarget(address, port)), { open: Number(open), other: Number(other) });
  }
  return found;
}

const options = { TCP: '-t', UDP: '-u', FWM: '-f' } as const;

/** Port 0 is the port that was asked for. */
function readTarget(address: Address, port: string | undefined): Target {
  return port === '0' ? { address } : { address, port: Number(port) };
}

function readVirtual(kind: IpvsSandboxRules['kind'], by: string, where: string): VirtualKey | undefined {
  if (kind === 'ipvs-network') {
    const vip = by === '-f' ? vipOfMark(Number(where) >>> 0) : undefined;
    return vip && `ip . ${vip.text}`;
  }
  const [, address, port] = /^([\d.]+):(\d+)$/.exec(where) ?? [];
  return by === '-f' || !address ? undefined : `${by === '-t' ? 'tcp' : 'udp'} . ${address} . ${Number(port)}`;
}
