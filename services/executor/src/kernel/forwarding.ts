import { CommandFailed } from './failures.ts';
import type { HostReport } from './kernel.ts';

/** Runs a command in the host's network namespace. */
export type RunOnHost = (command: string, args: readonly string[]) => Promise<string>;

/** Seconds that iptables may wait for its lock (`-w`). */
const lockS = '5';

/** The bridge over which Docker gives sandboxes their way out, and Fairway its way in. */
const bridge = 'docker_gwbridge';

/** Docker's chain for the operator's own rules, which it has FORWARD lead to before anything else. */
const user = 'DOCKER-USER';
const toUser = ['-j', user] as const;

/**
 * Docker's FORWARD policy is DROP. Out of the bridge go connections that were led to a sandbox; back come their answers
 * and the ICMP errors about them (RELATED), which is how a refused UDP client hears of it.
 */
const accepts: readonly { readonly what: string; readonly rule: readonly string[] }[] = [
  {
    what: `accepts connections led to ${bridge}`,
    rule: [
      ...['-o', bridge, '-m', 'conntrack', '--ctstate', 'DNAT'],
      ...['-m', 'comment', '--comment', 'fairway', '-j', 'ACCEPT'],
    ],
  },
  {
    what: `accepts answers from ${bridge}`,
    rule: [
      ...['-i', bridge, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED'],
      ...['-m', 'comment', '--comment', 'fairway', '-j', 'ACCEPT'],
    ],
  },
];

/** Makes the node lead packets to sandboxes; see `Kernel.ensureHost`. */
export async function ensureForwarding(run: RunOnHost): Promise<HostReport> {
  const iptables = iptablesOf(run);
  const changed: string[] = [];
  const waitingFor: string[] = [];
  if ((await listUser(iptables)) || (await makeUser(iptables, changed))) {
    for (const { what, rule } of accepts) {
      if (await isThere(iptables, user, rule)) continue;
      const at = await insertAt(iptables);
      await iptables(...at, ...rule);
      changed.push(`${user} ${what}`);
    }
    // `iptables -F` takes this away too, and dockerd puts it back only when it starts.
    if (!(await isThere(iptables, 'FORWARD', toUser))) {
      await iptables('-I', 'FORWARD', ...toUser);
      changed.push(`FORWARD leads to ${user}`);
    }
  } else waitingFor.push(`the iptables chain ${user}, which dockerd makes when it starts`);

  const setting = `/proc/sys/net/ipv4/conf/${bridge}/route_localnet`;
  const value = await run('cat', [setting]).catch(ifNotThere);
  if (value === undefined) waitingFor.push(`the bridge ${bridge}, which dockerd makes when the node joins a swarm`);
  else if (value.trim() !== '1') {
    await run('sh', ['-c', `echo 1 >${setting}`]);
    changed.push(`net.ipv4.conf.${bridge}.route_localnet was ${value.trim()}, is 1`);
  }
  return { changed, waitingFor };
}

/** Takes Fairway's rules out of DOCKER-USER; see `Kernel.leaveHost`. */
export async function endForwarding(run: RunOnHost): Promise<void> {
  const iptables = iptablesOf(run);
  for (const { rule } of accepts) if (await isThere(iptables, user, rule)) await iptables('-D', user, ...rule);
}

/** Runs iptables on the host. */
type Iptables = (...args: readonly string[]) => Promise<string>;

function iptablesOf(run: RunOnHost): Iptables {
  return (...args) => run('iptables', ['-w', lockS, ...args]);
}

/**
 * The chain, as dockerd makes it when it starts (moby libnetwork/firewall_linux.go, arrangeUserFilterRule), where somebody
 * has deleted it (`iptables -X`): there is Docker's own among those of NAT. Where that is not there either, dockerd has not
 * started yet, goes by the other iptables, or by none.
 */
async function makeUser(iptables: Iptables, changed: string[]): Promise<boolean> {
  if ((await iptables('-t', 'nat', '-S', 'DOCKER').catch(ifNotThere)) === undefined) return false;
  await iptables('-N', user);
  await iptables('-A', user, '-j', 'RETURN');
  changed.push(`the chain ${user}`);
  return true;
}

async function isThere(iptables: Iptables, chain: string, rule: readonly string[]): Promise<boolean> {
  return (await iptables('-C', chain, ...rule).catch(ifNotThere)) !== undefined;
}

/**
 * Before the RETURN with which Docker ends the chain, and so behind the operator's own rules: what they drop stays
 * dropped, as with Docker's mesh. Where there is no such RETURN, at the end.
 */
async function insertAt(iptables: Iptables): Promise<readonly string[]> {
  const end = ((await listUser(iptables)) ?? []).indexOf(`-A ${user} -j RETURN`);
  return end < 0 ? ['-A', user] : ['-I', user, String(end + 1)];
}

async function listUser(iptables: Iptables): Promise<readonly string[] | undefined> {
  const lines = await iptables('-S', user).catch(ifNotThere);
  return lines?.split('\n').filter((line) => line.startsWith('-A '));
}

/**
 * With 1 iptables says that a chain or a rule is not there, and cat that a file is not; with 4 iptables says that it
 * cannot tell just now, of its lock above all (iptables 1.8.9, xtables.h). Taken for an answer, that would add the rule
 * once more.
 */
function ifNotThere(error: unknown): undefined {
  if (error instanceof CommandFailed && error.status === 1) return undefined;
  throw error;
}
