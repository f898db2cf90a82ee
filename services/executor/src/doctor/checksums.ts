import type { Check } from './check.ts';

/** Prints the counters of the host and of all of Docker's namespaces, each under a line with its file. */
const allCounters =
  'echo "== host"; cat /proc/net/snmp; cd "$1" && for f in *; do echo "== $f"; nsenter --net="$f" cat /proc/net/snmp 2>&1; done; true';

/** By namespace, how many segments and datagrams came with a wrong checksum (proc(5), net/snmp: `InCsumErrors`). */
function wrongChecksums(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const part of text.split(/^== /m).slice(1)) {
    const [file = '', ...lines] = part.split('\n');
    const counts = ['Tcp:', 'Udp:'].map((name) => {
      const [names = '', values = ''] = lines.filter((line) => line.startsWith(name));
      return Number(values.split(' ')[names.split(' ').indexOf('InCsumErrors')] ?? 0);
    });
    const sum = counts.reduce((a, b) => a + b, 0);
    if (sum > 0) found.set(file, sum);
  }
  return found;
}

/**
 * Network cards that compute checksums wrongly within VXLAN (moby/moby#41775, seen with vmxnet3) have receivers drop what
 * they send: small requests get through, and the rest hangs.
 */
export const checksumsCheck: Check = {
  about: 'checksums',
  async look({ machine }) {
    const listed = await machine.run(['sh', '-c', allCounters, 'sh', machine.netnsDir]);
    return [...wrongChecksums(listed)].map(([file, count]) => ({
      kind: 'wrong',
      where: file,
      what: `${count} segments or datagrams came with a wrong checksum since it is there`,
      breaks: 'connections by the overlay from a node whose network card does that hang',
      mend: 'ethtool -K INTERFACE tx-checksum-ip-generic off, on the nodes that send to this one',
    }));
  },
};
