import type { Machine } from '../kernel/machine.ts';

/** Its MTU, and its addresses with the bits of their networks. */
export type Interface = {
  readonly mtu: number;
  readonly addresses: readonly { readonly address: string; readonly bits: number }[];
};

/** Reads sandboxes' interfaces on their networks (iproute2 6.1, `ip -j`), by the sandboxes' files, each once. */
export function sandboxInterfaces({ runIn }: Machine): (file: string) => Promise<Interface> {
  const read = new Map<string, Promise<Interface>>();
  return (file) => {
    const held = read.get(file) ?? runIn(file, ['ip', '-j', '-4', 'addr', 'show', 'dev', 'eth0']).then(parse);
    read.set(file, held);
    return held;
  };
}

function parse(text: string): Interface {
  type Listed = { mtu: number; addr_info?: readonly { local: string; prefixlen: number }[] };
  const [found]: readonly Listed[] = JSON.parse(text);
  const addresses = (found?.addr_info ?? []).map(({ local, prefixlen }) => ({ address: local, bits: prefixlen }));
  return { mtu: found?.mtu ?? 0, addresses };
}
