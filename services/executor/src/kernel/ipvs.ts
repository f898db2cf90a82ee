import { type FoundVirtual, parseConnections, parseVirtual } from '../rules/parse-virtual.ts';
import { renderVirtual } from '../rules/render-virtual.ts';
import type { IpvsSandboxRules } from '../rules/rules.ts';
import type { Connections, DestinationKey } from '../rules/virtual-server.ts';
import { joined, type Words, words } from '../rules/words.ts';
import { CommandFailed } from './failures.ts';
import { type IpvsTimeouts, showTimeouts } from './ipvs-timeouts.ts';
import type { Namespace } from './kernel.ts';

/** Runs ipvsadm in a namespace, and gives what it prints. */
type Ipvsadm = (namespace: Namespace, args: readonly string[], input?: Words) => Promise<string>;

/**
 * What a sandbox has to be set to for connections through IPVS (Documentation/networking/ipvs-sysctl.rst; each tried on
 * Linux 6.1). Docker 20.10 sets the same in the ingress sandbox, and its own mesh needs them: they stay when Fairway goes.
 */
export const ipvsSettings = [
  // IPVS keeps the connection's entry in step, which is what masquerading goes by: without, answers end in the sandbox.
  ['/proc/sys/net/ipv4/vs/conntrack', '1'],
  // A connection to a task that is gone is reset, and a UDP client that never pauses is balanced anew at its next packet;
  // else both send into nothing, for up to fifteen minutes.
  ['/proc/sys/net/ipv4/vs/expire_nodest_conn', '1'],
  // Likewise what a persistent client's template leads to: a task of weight 0 gets none of its new connections.
  ['/proc/sys/net/ipv4/vs/expire_quiescent_template', '1'],
  // Docker's own choice, for kernels before 5.9 keep a client's port that comes again waiting for a second with 1. With
  // the two above it is sent to no task that is gone, nor to one of weight 0.
  ['/proc/sys/net/ipv4/vs/conn_reuse_mode', '0'],
] as const;

/** Virtual services of IPVS, by ipvsadm (1.31). */
export class Ipvs {
  readonly #ipvsadm: Ipvsadm;

  constructor(ipvsadm: Ipvsadm) {
    this.#ipvsadm = ipvsadm;
  }

  /** Fairway's virtual services in a sandbox. */
  async read(namespace: Namespace, kind: IpvsSandboxRules['kind']): Promise<FoundVirtual> {
    return parseVirtual(kind, await this.#ipvsadm(namespace, ['-S', '-n']));
  }

  /** The connections of their destinations. */
  async connections(
    namespace: Namespace,
    kind: IpvsSandboxRules['kind'],
  ): Promise<ReadonlyMap<DestinationKey, Connections>> {
    return parseConnections(kind, await this.show(namespace));
  }

  /** Sets a sandbox's timeouts, Docker's connections among them, and tells whether that was to be done. */
  async setTimeouts(namespace: Namespace, timeouts: IpvsTimeouts): Promise<boolean> {
    const listed = await this.#ipvsadm(namespace, ['-L', '--timeout']);
    const wanted = showTimeouts(timeouts);
    if (listed.trim().endsWith(`: ${wanted}`)) return false;
    await this.#ipvsadm(namespace, ['--set', ...wanted.split(' ')]);
    return true;
  }

  /** Takes Fairway's virtual services away, where there are any. */
  async clear(namespace: Namespace, kind: IpvsSandboxRules['kind']): Promise<void> {
    const found = await this.read(namespace, kind).catch(() => undefined);
    const operations = [...(found?.virtual ?? [])].map(
      ([key, { scheduler }]) => ({ do: 'delete element', element: { map: 'virtual', key, scheduler } }) as const,
    );
    await this.restore(namespace, renderVirtual({ operations }).after);
  }

  /** All virtual services of a sandbox with what they have to do, Docker's own among them, for people. */
  show(namespace: Namespace): Promise<string> {
    return this.#ipvsadm(namespace, ['-L', '-n']);
  }

  /**
   * Carries out the lines one after the other, and tells what of them the kernel refused: each line and its reason. The
   * others have taken effect.
   *
   * ipvsadm goes on after a line that the kernel refuses, and says the reason and not the line. So when it says anything,
   * each line is given again by itself: those that have taken effect are refused then as being there, or gone, already.
   */
  async restore(namespace: Namespace, lines: readonly Words[]): Promise<string[]> {
    if (lines.length === 0 || (await this.#give(namespace, lines)) === '') return [];
    const refused: string[] = [];
    for (const line of lines) {
      const said = await this.#give(namespace, [line]);
      if (said !== '' && !isDone(line, said)) refused.push(`ipvsadm ${line}: ${said}`);
    }
    return refused;
  }

  /**
   * What ipvsadm says against the lines. Its status is that of the last one only, so one follows that is always refused,
   * and when nothing else was said all were taken.
   */
  async #give(namespace: Namespace, lines: readonly Words[]): Promise<string> {
    try {
      return await this.#ipvsadm(namespace, ['-R'], joined([...lines, refusedAlways, words``], words`\n`));
    } catch (error) {
      if (!(error instanceof CommandFailed) || error.stderr.startsWith('nsenter: ')) throw error;
      return error.stderr.trim().replace(/(^|\n)No such service$/, '');
    }
  }
}

/** Takes a service away that never is: no virtual IP is 255.255.255.255. */
const refusedAlways = words`-D -f 4294967295`;

function isDone(line: string, said: string): boolean {
  if (/^-[Aa] /.test(line)) return /already exists$/.test(said);
  return /^-[Dd] /.test(line) && /^(No such (service|destination)|Service not defined)$/.test(said);
}
