import type { Finding } from '@fairway/mesh';
import type { Check } from './check.ts';

type Setting = { readonly name: string; readonly wanted: string; readonly breaks: string };

/** What the host has to be set to (ip-sysctl.rst; bridge netfilter's own are in br_netfilter). */
const settings: readonly Setting[] = [
  {
    name: 'net.ipv4.ip_forward',
    wanted: '1',
    breaks: 'nothing is led to a sandbox, and sandboxes that Docker makes from now on do not forward either',
  },
  {
    name: 'net.bridge.bridge-nf-call-iptables',
    wanted: '1',
    breaks: "Docker's rules do not see packets between containers of one bridge: what it isolates is not isolated",
  },
];

const pathOf = (name: string) => `/proc/sys/${name.replaceAll('.', '/')}`;

export const settingsCheck: Check = {
  about: 'settings of the host',
  async look({ machine }) {
    const findings: Finding[] = [];
    for (const { name, wanted, breaks } of settings) {
      const value = (await machine.read(pathOf(name)))?.trim();
      if (value === wanted) continue;
      const what = value === undefined ? `there is no ${name}` : `${name} is ${value}`;
      const load = value === undefined ? 'modprobe br_netfilter && ' : '';
      const kind = value === undefined ? 'missing' : 'wrong';
      findings.push({ kind, where: 'host', what, breaks, mend: `${load}sysctl -w ${name}=${wanted}` });
    }
    return findings;
  },
};

/** Above this part of its size the table of tracked connections is called full: the kernel drops what finds no place. */
const fullPart = 0.9;

export const trackingCheck: Check = {
  about: 'the table of tracked connections',
  async look({ machine }) {
    const [count, max] = await Promise.all(
      ['count', 'max'].map(async (what) => Number(await machine.read(`/proc/sys/net/netfilter/nf_conntrack_${what}`))),
    );
    if (!count || !max || count < max * fullPart) return [];
    return [
      {
        kind: 'wrong',
        where: 'host',
        what: `${count} connections are tracked, of ${max} at most`,
        breaks: 'new connections are dropped once it is full (the kernel logs "nf_conntrack: table full")',
        mend: `sysctl -w net.netfilter.nf_conntrack_max=${2 * max}`,
      },
    ];
  },
};
