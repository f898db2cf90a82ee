import { CommandFailed } from './failures.ts';
import type { HostReport } from './kernel.ts';

/** Runs a command in the host's network namespace. */
export type RunOnHost = (command: string, args: readonly string[]) => Promise<string>;

/** Seconds that iptables may wait for its lock (`-w`). */
const lockS = '5';

/** The bridge over which Docker gives sandboxes their way out, and Fairway its way in. */
const bridge = 'docker_gwbridge';

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
  const changed: string[] = [];
  const waitingFor: string[] = [];
  const rules = await listDockerUser(run);
  if (rules) {
    for (const { what, rule } of accepts) {
      if (await isThere(run, rule)) continue;
      const at = await insertAt(run);
      await run('iptables', ['-w', lockS, ...at, ...rule]);
      changed.push(`DOCKER-USER ${what}`);
    }
  } else waitingFor.push('the iptables chain DOCKER-USER, which dockerd makes when it starts');

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
  for (const { rule } of accepts) {
    if (await isThere(run, rule)) await run('iptables', ['-w', lockS, '-D', 'DOCKER-USER', ...rule]);
  }
}

async function isThere(run: RunOnHost, rule: readonly string[]): Promise<boolean> {
  const check = run('iptables', ['-w', lockS, '-C', 'DOCKER-USER', ...rule]);
  return (await check.catch(ifNotThere)) !== undefined;
}

/**
 * Before the RETURN with which Docker ends the chain, and so behind the operator's own rules: what they drop stays
 * dropped, as with Docker's mesh. Where there is no such RETURN, at the end.
 */
async function insertAt(run: RunOnHost): Promise<readonly string[]> {
  const rules = (await listDockerUser(run)) ?? [];
  const end = rules.indexOf('-A DOCKER-USER -j RETURN');
  return end < 0 ? ['-A', 'DOCKER-USER'] : ['-I', 'DOCKER-USER', String(end + 1)];
}

async function listDockerUser(run: RunOnHost): Promise<readonly string[] | undefined> {
  const listed = await run('iptables', ['-w', lockS, '-S', 'DOCKER-USER']).catch(ifNotThere);
  return listed?.split('\n').filter((line) => line.startsWith('-A '));
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
