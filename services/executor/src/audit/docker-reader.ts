import type { Machine } from '../kernel/machine.ts';
import { type DockersHost, type DockersSandbox, parseHost, parseSandbox } from './dockers-mesh.ts';

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

/** By iptables-save, ipvsadm and ip. */
export function createDockerReader({ read, run, runIn }: Machine): DockerReader {
  return {
    hasIpvs: async () => (await read('/proc/net/ip_vs')) !== undefined,
    host: async () => parseHost(await run(['iptables-save'])),
    async sandbox(file) {
      const [iptables, ipvs, addresses] = await Promise.all([
        runIn(file, ['iptables-save']),
        runIn(file, ['ipvsadm', '-S', '-n']),
        runIn(file, ['ip', '-4', '-o', 'addr', 'show']),
      ]);
      return parseSandbox(iptables, ipvs, addresses);
    },
  };
}
