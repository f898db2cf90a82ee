import { describe } from '@fairway/telemetry';
import { CommandFailed } from '../kernel/failures.ts';
import { words } from '../rules/words.ts';
import type { Check } from './check.ts';

export const programsCheck: Check = {
  about: 'programs and capabilities',
  async look({ kernel }) {
    return (await kernel.requirements()).map(({ missing, neededFor, get }) => ({
      ...({ kind: 'missing', where: 'host', what: `${missing} is missing` } as const),
      ...{ breaks: `Fairway does not serve without it: it is for ${neededFor}`, mend: get },
    }));
  },
};

/** One rule with each expression that Fairway's rules have. It is checked, and never made. */
const everyExpression = words`table inet fairway-doctor {
  map slots {
    typeof tcp dport . numgen random mod 65536 : ip daddr . tcp dport
  }
  map services {
    typeof meta l4proto . th dport : verdict
  }
  chain spread {
    dnat ip to tcp dport . numgen random mod 3 map @slots
  }
  chain nat {
    type nat hook prerouting priority dstnat - 1
    fib daddr type local meta l4proto . th dport vmap @services
    ct status dnat masquerade
  }
  chain refuse {
    type filter hook input priority filter
    meta l4proto tcp reject with tcp reset
    ct mark set meta mark
  }
}
`;

export const nftablesCheck: Check = {
  about: "nftables' expressions",
  async look({ machine }) {
    try {
      await machine.run(['nft', '-c', '-f', '-'], everyExpression);
      return [];
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      return [
        {
          kind: 'missing',
          where: 'host',
          what: `the kernel does not take rules as Fairway's: ${describe(error)}`,
          breaks: 'Fairway routes nothing on this node',
          mend: 'modprobe -a nf_tables nft_nat nft_masq nft_fib_inet nft_numgen nft_reject_inet nft_ct, or a kernel that has them',
        },
      ];
    }
  },
};
