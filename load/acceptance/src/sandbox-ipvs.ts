import { spawnSync } from 'node:child_process';
import type { ClusterNode } from '@fairway/cluster';

/** Whether this machine's kernel has IPVS: Fairway balances with it then, and Docker's own mesh works. */
export const hasIpvs = spawnSync('ipvsadm', ['-S', '-n']).status === 0;

/** A virtual service of IPVS as `ipvsadm -Ln --stats` counts it. */
type Counted = {
  /** Connections since it was made; up to two seconds late. */
  readonly connections: number;
  /** The weights of its destinations, by `ADDRESS:PORT`. */
  readonly weights: Readonly<Record<string, number>>;
};

/** What IPVS has in a node's sandbox, by service: `TCP 172.18.0.2:8000`, `FWM 256`; empty where the sandbox is not there. */
export async function virtualServices(node: ClusterNode, sandbox: string): Promise<Readonly<Record<string, Counted>>> {
  const { stdout } = await node.execSandbox(sandbox, 'ipvsadm -Ln; ipvsadm -Ln --stats --exact');
  const [weights = '', stats = ''] = stdout.split(/^IP Virtual Server.*\n/m).slice(1);
  const connections = new Map(listed(stats).map(({ name, words }) => [name, Number(words[2])]));
  return Object.fromEntries(
    listed(weights).map(({ name, destinations }) => {
      const weightOf = destinations.map(([, address, , weight]) => [address, Number(weight)]);
      return [name, { connections: connections.get(name) ?? 0, weights: Object.fromEntries(weightOf) }];
    }),
  );
}

/** The words of each service's own line, and those of its destinations' lines. */
function listed(text: string): { name: string; words: readonly string[]; destinations: readonly string[][] }[] {
  const blocks = text.split(/^(?=(?:TCP|UDP|FWM) )/m).slice(1);
  return blocks.map((block) => {
    const lines = block.trimEnd().split('\n');
    const [words = [], ...destinations] = lines.map((line) => line.trim().split(/\s+/));
    return { name: words.slice(0, 2).join(' '), words, destinations };
  });
}

/**
 * What Docker's own mesh has in a node's sandbox: its iptables rules, without what they have counted, and its virtual
 * services, whose marks are counted from 256.
 */
export async function dockersOwn(node: ClusterNode, sandbox: string): Promise<string> {
  const { stdout } = await node.execSandbox(sandbox, 'iptables-save; ipvsadm -Sn');
  return stdout
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/ \[\d+:\d+\]$/gm, '')
    .split('\n')
    .filter((line) => !/^-[Aa] (-[tu]|-f -?\d{5,}) /.test(line))
    .join('\n');
}

/** The virtual service by which Docker balances what fits the iptables match, `FWM 256`; undefined where it has none yet. */
export async function dockersService(node: ClusterNode, sandbox: string, match: string): Promise<string | undefined> {
  const { stdout } = await node.execSandbox(sandbox, 'iptables-save -t mangle');
  const rule = stdout.split('\n').find((line) => line.includes(match));
  const mark = rule && /--set-xmark (0x[0-9a-f]+)/.exec(rule)?.[1];
  return mark && `FWM ${Number(mark)}`;
}
