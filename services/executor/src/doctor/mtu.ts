import type { Finding } from '@fairway/mesh';
import type { Machine } from '../kernel/machine.ts';
import type { Check } from './check.ts';

/** What VXLAN puts around a packet on IPv4: its header 8, UDP 8, IP 20, and the inner Ethernet header 14 (RFC 7348, section 5). */
const vxlanBytes = 50;
/** What encryption adds, and to what it aligns (libnetwork drivers/overlay, `maxMTU`). */
const espBytes = 26;
const espAlignment = 4;

/** The MTU that an overlay may have at most. */
function mtuMost(underlay: number, encrypted: boolean): number {
  const most = underlay - vxlanBytes;
  return encrypted ? Math.floor((most - espBytes) / espAlignment) * espAlignment : most;
}

/** The interface by which a packet to an address leaves, and its MTU. */
async function underlayTo(machine: Machine, address: string): Promise<{ readonly dev: string; readonly mtu: number }> {
  const [route]: readonly { dev: string; metrics?: readonly { mtu?: number }[] }[] = JSON.parse(
    await machine.run(['ip', '-j', 'route', 'get', address]),
  );
  const dev = route?.dev ?? '';
  const [link]: readonly { mtu: number }[] = JSON.parse(await machine.run(['ip', '-j', 'link', 'show', 'dev', dev]));
  return { dev, mtu: route?.metrics?.[0]?.mtu ?? link?.mtu ?? 0 };
}

/** An overlay's packets have to fit into those of the network that carries it: Docker does not ask how large those are. */
export const mtuCheck: Check = {
  about: "the overlays' MTU",
  async look({ machine, sandboxes, places, interfaceOf }) {
    const ways = await Promise.all([...new Set(places.values())].map((at) => underlayTo(machine, at)));
    const [narrowest] = ways.sort((a, b) => a.mtu - b.mtu);
    if (!narrowest) return [];
    const found = await Promise.all(
      sandboxes.map(async ({ file, network }): Promise<Finding | readonly []> => {
        const { mtu } = await interfaceOf(file);
        const most = mtuMost(narrowest.mtu, network.encrypted);
        if (mtu <= most) return [];
        return {
          kind: 'wrong',
          where: `overlay ${network.name}`,
          what: `its MTU is ${mtu}, and ${narrowest.dev}, which carries it, has ${narrowest.mtu}: ${most} would fit`,
          breaks: 'connections open and then hang, once an answer is larger than that',
          mend: `make the network anew with --opt com.docker.network.driver.mtu=${most}`,
        };
      }),
    );
    return found.flat();
  },
};
