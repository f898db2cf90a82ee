import type { Check } from './check.ts';

type Link = { readonly ifname: string; readonly linkinfo?: { readonly info_data?: { readonly port?: number } } };

/** VXLAN's own port (RFC 7348), which Docker takes unless `docker swarm init --data-path-port` says otherwise. */
const standard = 4789;

async function devices(list: Promise<string>): Promise<readonly Link[]> {
  const text = (await list).trim();
  return text === '' ? [] : JSON.parse(text);
}

/** Two that listen on one port of one machine get each other's packets. */
export const vxlanPortCheck: Check = {
  about: 'the port of VXLAN',
  async look({ machine }) {
    const onHost = await devices(machine.run(['ip', '-j', '-d', 'link', 'show', 'type', 'vxlan']));
    return onHost
      .filter(({ linkinfo }) => linkinfo?.info_data?.port === standard)
      .map(({ ifname }) => ({
        kind: 'wrong',
        where: 'host',
        what: `${ifname} is a VXLAN device of somebody else's on UDP port ${standard}, the overlays' own`,
        breaks: "the overlays' packets may be taken by it, or its by them",
        mend: 'give it another port, or the swarm: docker swarm init --data-path-port',
      }));
  },
};
