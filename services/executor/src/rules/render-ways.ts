import type { Way } from '../kernel/overlay.ts';
import { assertDevice, assertIpv4, assertMac, joined, type Words, words } from './words.ts';

/** What `ip -batch` and `bridge -batch` are given. */
export type WayLines = { readonly ip: Words; readonly bridge: Words };

/**
 * Sets the neighbours of ways, marked as not Docker's, in nobody's place: one that failed has no address, and is no
 * neighbour. And their forwarding entries, in the place of those that the device has learned.
 * @throws UnfitForRules
 */
export function renderPut(ways: ReadonlyMap<string, Way>): WayLines {
  return lines(
    ways,
    ({ address, device, mac }) =>
      words`neigh replace ${address} lladdr ${mac} dev ${device} nud permanent extern_learn\n`,
    ({ device, mac, node }) => words`fdb replace ${mac} dev ${device} dst ${node} self permanent\n`,
  );
}

/** Takes both entries of each away. @throws UnfitForRules */
export function renderDrop(ways: ReadonlyMap<string, Way>): WayLines {
  return lines(
    ways,
    ({ address, device }) => words`neigh del ${address} dev ${device}\n`,
    ({ device, mac, node }) => words`fdb del ${mac} dev ${device} dst ${node} self\n`,
  );
}

type Fit = { readonly [part in 'address' | 'device' | 'mac' | 'node']: Words };

function lines(ways: ReadonlyMap<string, Way>, ip: (fit: Fit) => Words, bridge: (fit: Fit) => Words): WayLines {
  const fit = [...ways].map(([address, { device, mac, node }]) => ({
    address: assertIpv4(address),
    device: assertDevice(device),
    mac: assertMac(mac),
    node: assertIpv4(node),
  }));
  return { ip: joined(fit.map(ip), words``), bridge: joined(fit.map(bridge), words``) };
}
