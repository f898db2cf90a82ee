import type { Finding } from '@fairway/mesh';
import type { Machine } from '../kernel/machine.ts';
import { overlayNamespace } from '../kernel/overlay.ts';
import type { Check, Patient } from './check.ts';

type Link = { readonly ifname: string; readonly linkinfo?: { readonly info_data?: { readonly port?: number } } };

/** What Docker takes unless `docker swarm init --data-path-port` says otherwise (RFC 7348). */
const standard = 4789;
const listDevices = ['ip', '-j', '-d', 'link', 'show', 'type', 'vxlan'] as const;

function read(text: string): readonly Link[] {
  return text.trim() === '' ? [] : JSON.parse(text);
}

const portOf = ({ linkinfo }: Link) => linkinfo?.info_data?.port;

/** The port of the swarm's overlays, by one that is here. */
async function overlaysPort(machine: Machine, sandboxes: Patient['sandboxes']): Promise<number> {
  for (const { network } of sandboxes) {
    const file = await overlayNamespace(machine.netnsDir, network.id);
    const [device] = file ? read(await machine.runIn(file, listDevices)) : [];
    const port = device && portOf(device);
    if (port) return port;
  }
  return standard;
}

/** Two devices that listen on one port of one machine get each other's packets. */
export const vxlanPortCheck: Check = {
  about: 'the port of VXLAN',
  async look({ machine, sandboxes }) {
    const [port, onHost] = await Promise.all([overlaysPort(machine, sandboxes), machine.run(listDevices)]);
    return read(onHost)
      .filter((device) => portOf(device) === port)
      .map(({ ifname }) => (isDockers(ifname) ? leftBehind(ifname) : somebodyElses(ifname, port)));
  },
};

/** Docker makes a device on the host and moves it into the overlay (libnetwork drivers/overlay/ov_network.go, `setupSubnetSandbox`). */
function isDockers(name: string): boolean {
  return /^vx-[0-9a-f]{6}-/.test(name);
}

function leftBehind(name: string): Finding {
  return {
    kind: 'stale',
    where: 'host',
    what: `Docker has left ${name} behind, which belongs in an overlay`,
    breaks: "the overlay that it is of cannot be set up: Docker's log says file exists",
    mend: `ip link del ${name}`,
  };
}

function somebodyElses(name: string, port: number): Finding {
  return {
    kind: 'wrong',
    where: 'host',
    what: `${name} is a VXLAN device of somebody else's on UDP port ${port}, the overlays' own`,
    breaks: "the overlays' packets may be taken by it, or its by them",
    mend: 'give it another port, or the swarm: docker swarm init --data-path-port',
  };
}
