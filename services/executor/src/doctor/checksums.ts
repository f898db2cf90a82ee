import type { Check } from './check.ts';

/** Prints the counters of all of Docker's namespaces, each under a line with its file. */
const allCounters = 'cd "$1" && for f in *; do echo "== $f"; nsenter --net="$f" cat /proc/net/snmp 2>&1; done; true';

/** Looked at twice, so long apart: what hangs is sent again and again meanwhile. */
const apartMs = 2_000;

/** By namespace, how many segments and datagrams came with a wrong checksum (proc(5), net/snmp: `InCsumErrors`). */
function wrongChecksums(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const part of text.split(/^== /m).slice(1)) {
    const [file = '', ...lines] = part.split('\n');
    const counts = ['Tcp:', 'Udp:'].map((name) => {
      const [names = '', values = ''] = lines.filter((line) => line.startsWith(name));
      return Number(values.split(' ')[names.split(' ').indexOf('InCsumErrors')] ?? 0);
    });
    found.set(
      file,
      counts.reduce((a, b) => a + b, 0),
    );
  }
  return found;
}

/**
 * Network cards that compute checksums wrongly within VXLAN (moby/moby#41775, seen with vmxnet3) have receivers drop what
 * they send: small requests get through, and the rest hangs.
 */
export const checksumsCheck: Check = {
  about: 'checksums',
  async look({ machine, clock }) {
    const look = async () => wrongChecksums(await machine.run(['sh', '-c', allCounters, 'sh', machine.netnsDir]));
    const before = await look();
    await new Promise<void>((resolve) => clock.after(apartMs, resolve));
    return [...(await look())].flatMap(([file, count]) => {
      const more = count - (before.get(file) ?? count);
      if (more <= 0) return [];
      return [
        {
          kind: 'wrong',
          where: file,
          what: `${more} segments or datagrams came with a wrong checksum within ${apartMs / 1000} s`,
          breaks: 'connections by the overlay from a node whose network card does that hang',
          mend: 'ethtool -K INTERFACE tx-checksum-ip-generic off, on the nodes that send to this one',
        } as const,
      ];
    });
  },
};
