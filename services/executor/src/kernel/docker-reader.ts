import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type DockersHost, type DockersSandbox, parseHost, parseSandbox } from '../audit/dockers-mesh.ts';
import { runCommand } from './command.ts';

/** Reads what Docker's own mesh has in this node's kernel, and changes nothing. */
export type DockerReader = {
  /** Whether the kernel has IPVS, without which Docker's mesh serves nothing. No module is loaded for the answer. */
  hasIpvs(): Promise<boolean>;
  /** @throws CommandFailed, CommandHung, CommandMissing */
  host(): Promise<DockersHost>;
  /**
   * @param file of the sandbox in Docker's `netns/`
   * @throws CommandFailed where the sandbox is not there any more, or a program is missing; CommandHung
   */
  sandbox(file: string): Promise<DockersSandbox>;
};

/** As long as a command may take: less than who asks waits. */
const limitMs = 5_000;

/** The machine's own kernel, by iptables-save, ipvsadm and ip. */
export function createDockerReader({ netnsDir }: { readonly netnsDir: string }): DockerReader {
  const run = (command: string, ...args: readonly string[]) => runCommand(command, args, { limitMs });
  return {
    hasIpvs: () =>
      access('/proc/net/ip_vs').then(
        () => true,
        () => false,
      ),
    host: async () => parseHost(await run('iptables-save')),
    async sandbox(file) {
      const runIn = (...command: readonly string[]) =>
        run('nsenter', `--net=${join(netnsDir, file)}`, '--', ...command);
      const [iptables, ipvs, addresses] = await Promise.all([
        runIn('iptables-save', '-t', 'mangle'),
        runIn('ipvsadm', '-S', '-n'),
        runIn('ip', '-4', '-o', 'addr', 'show'),
      ]);
      return parseSandbox(iptables, ipvs, addresses);
    },
  };
}
