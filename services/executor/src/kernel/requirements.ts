import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Requirement } from './kernel.ts';

const commands = [
  { command: 'nft', neededFor: 'setting rules', debian: 'nftables' },
  { command: 'iptables', neededFor: "the accepts in Docker's chain DOCKER-USER", debian: 'iptables' },
  { command: 'nsenter', neededFor: "entering Docker's sandboxes", debian: 'util-linux' },
  { command: 'setpriv', neededFor: 'ending with Fairway what watches its rules', debian: 'util-linux' },
  { command: 'ip', neededFor: 'the addresses of virtual IPs', debian: 'iproute2' },
  { command: 'bridge', neededFor: 'knowing which tasks of other nodes are reached', debian: 'iproute2' },
  { command: 'ping', neededFor: 'telling whether another node is lost', debian: 'iputils-ping' },
  { command: 'conntrack', neededFor: 'dropping connections to lost endpoints', debian: 'conntrack' },
] as const;

/**
 * All that the process needs of root's rights, by their bits in linux/capability.h. setns(2) into a network namespace needs
 * CAP_SYS_ADMIN; ping asks for CAP_NET_RAW by its file, and is not started without.
 */
export const capabilities = [
  { bit: 12n, name: 'CAP_NET_ADMIN', neededFor: 'setting rules' },
  { bit: 13n, name: 'CAP_NET_RAW', neededFor: 'telling whether another node is lost' },
  { bit: 21n, name: 'CAP_SYS_ADMIN', neededFor: "entering Docker's sandboxes" },
] as const;

/**
 * What is missing for setting rules on this machine.
 * @param path folders separated by colons, as in PATH
 * @param status the content of /proc/self/status
 */
export async function missingRequirements(
  path = process.env.PATH ?? '',
  status?: string,
): Promise<readonly Requirement[]> {
  const missing: Requirement[] = [];
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? (await ownStatus()))?.[1] ?? '0'}`);
  for (const { bit, name, neededFor } of capabilities) {
    if ((effective >> bit) & 1n) continue;
    missing.push({ missing: name, neededFor, get: `run as root, or give the service the capability ${name}` });
  }
  for (const { command, neededFor, debian } of commands) {
    if (await isOnPath(command, path)) continue;
    missing.push({ missing: command, neededFor, get: `apt-get install ${debian}` });
  }
  return missing;
}

async function ownStatus(): Promise<string> {
  return readFile('/proc/self/status', 'utf8').catch(() => '');
}

async function isOnPath(command: string, path: string): Promise<boolean> {
  const found = await Promise.allSettled(
    path.split(':').map((folder) => access(join(folder || '.', command), constants.X_OK)),
  );
  return found.some(({ status }) => status === 'fulfilled');
}
