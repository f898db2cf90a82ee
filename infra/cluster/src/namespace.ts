import { existsSync, readdirSync } from 'node:fs';
import { run } from './command.ts';

const netnsDir = '/run/netns';

/** Makes a network namespace that can be entered by name, with its loopback up. */
export async function addNamespace(name: string): Promise<void> {
  await run(['ip', 'netns', 'add', name]);
  await run(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
}

export async function deleteNamespace(name: string): Promise<void> {
  if (existsSync(`${netnsDir}/${name}`)) await run(['ip', 'netns', 'delete', name]);
}

/** Names of the namespaces that begin with a prefix. */
export function listNamespaces(prefix: string): string[] {
  return existsSync(netnsDir) ? readdirSync(netnsDir).filter((name) => name.startsWith(prefix)) : [];
}

/**
 * What to put before a command to run it in a network namespace. Not `ip netns exec`: that mounts /sys anew, and a
 * dockerd in there finds no cgroups.
 */
export function enterNamespace(name: string): string[] {
  return ['nsenter', `--net=${netnsDir}/${name}`];
}
