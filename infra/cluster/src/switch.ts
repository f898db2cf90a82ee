import { run } from './command.ts';
import { addNamespace } from './namespace.ts';
import type { ClusterPlace } from './place.ts';

/**
 * The LAN: a bridge in a namespace of its own, because in the root namespace a dockerd's `FORWARD DROP` together with
 * bridge-nf-call-iptables=1 would drop what passes between the nodes. The bridge's own address is where an outside
 * client is, and where the bus, the decider and the console listen. Each cluster has a LAN of its own, so all use the
 * same addresses.
 */
export const lanAddress = '10.99.0.1';

const prefixLength = 24;
const firstHost = 11;
const lastHost = 254;

export const nodesMax = lastHost - firstHost + 1;

/** More nodes than the LAN has addresses for, or none. */
export class NodeCountInvalid extends Error {
  constructor(nodes: number) {
    super(`A cluster has 1 to ${nodesMax} nodes, not ${nodes}`);
    this.name = 'NodeCountInvalid';
  }
}

export function lanNamespace(place: ClusterPlace): string {
  return `${place.namespacePrefix}lan`;
}

/** Address of the node of this number, counted from 1: 10.99.0.11, 10.99.0.12 ... */
export function nodeAddress(number: number): string {
  return `10.99.0.${firstHost + number - 1}`;
}

export async function addSwitch(place: ClusterPlace): Promise<void> {
  const lan = lanNamespace(place);
  await addNamespace(lan);
  await run(['ip', '-n', lan, 'link', 'add', 'lan', 'type', 'bridge']);
  await run(['ip', '-n', lan, 'address', 'add', `${lanAddress}/${prefixLength}`, 'dev', 'lan']);
  await run(['ip', '-n', lan, 'link', 'set', 'lan', 'up']);
}

/** Connects a namespace to the LAN: its end is eth0, the switch's end has the node's name. */
export async function plugIn(place: ClusterPlace, node: string, namespace: string, address: string): Promise<void> {
  const lan = lanNamespace(place);
  await run(['ip', '-n', lan, 'link', 'add', node, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
  await run(['ip', '-n', namespace, 'address', 'add', `${address}/${prefixLength}`, 'dev', 'eth0']);
  await run(['ip', '-n', namespace, 'link', 'set', 'eth0', 'up']);
  await run(['ip', '-n', lan, 'link', 'set', node, 'master', 'lan', 'up']);
}

/** Pulls a node's cable, at once and for both ends. */
export async function unplug(place: ClusterPlace, node: string): Promise<void> {
  await run(['ip', '-n', lanNamespace(place), 'link', 'delete', node]);
}
