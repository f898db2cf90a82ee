import type { Finding } from '@fairway/mesh';
import { CommandFailed, CommandMissing } from '../kernel/failures.ts';
import type { Machine } from '../kernel/machine.ts';
import type { Check } from './check.ts';

/** iptables in the kernel's own old tables, or as a front end of nftables (xtables-nft(8)). */
type Variant = 'legacy' | 'nft';

const where = 'host';
const mend = (variant: Variant) =>
  `update-alternatives --set iptables /usr/sbin/iptables-${variant} && systemctl restart docker`;

/** Docker's rules are to be where the program `iptables` looks, which Fairway asks, and there alone. */
export const iptablesCheck: Check = {
  about: 'iptables, legacy and nft',
  async look({ machine }) {
    const used = (await machine.run(['iptables', '--version'])).includes('legacy') ? 'legacy' : 'nft';
    const [inLegacy, inNft] = await Promise.all([hasDocker(machine, 'legacy'), hasDocker(machine, 'nft')]);
    const other = used === 'legacy' ? 'nft' : 'legacy';
    if (inLegacy && inNft) return [both(other)];
    if (used === 'legacy' ? inNft : inLegacy) return [elsewhere(used, other)];
    return [];
  },
};

function both(other: Variant): Finding {
  return {
    kind: 'stale',
    where,
    what: "Docker's chains are in iptables-legacy and in iptables-nft",
    breaks: 'packets pass both, and what one of them accepts the other may drop',
    mend: `iptables-${other} -t nat -F && iptables-${other} -F && iptables-${other} -P FORWARD ACCEPT, where nothing else needs them`,
  };
}

function elsewhere(used: Variant, other: Variant): Finding {
  return {
    kind: 'wrong',
    where,
    what: `Docker's chains are in iptables-${other}, and the program iptables is iptables-${used}`,
    breaks: "Fairway finds no chain DOCKER-USER, and Docker's FORWARD drops what is led to the sandbox",
    mend: mend(other),
  };
}

/** The kernel lists the old tables that there are; where there is none the program is not asked, which would make them. */
async function hasDocker(machine: Machine, variant: Variant): Promise<boolean> {
  if (variant === 'legacy' && !(await machine.read('/proc/net/ip_tables_names'))?.trim()) return false;
  try {
    return /^-A .*\bDOCKER/m.test(await machine.run([`iptables-${variant}-save`]));
  } catch (error) {
    if (error instanceof CommandMissing || error instanceof CommandFailed) return false;
    throw error;
  }
}
