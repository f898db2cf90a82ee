import { join } from 'node:path';
import type { Stale } from '../rules/difference.ts';
import { standbyName, tableName } from '../rules/layout.ts';
import { parseTable } from '../rules/parse.ts';
import { assertAddress, assertPort, render } from '../rules/render.ts';
import type { Found } from '../rules/rules.ts';
import { isRebuild, type Transaction } from '../rules/transaction.ts';
import { runCommand } from './command.ts';
import { CommandFailed, NamespaceMissing, RuleRejected } from './failures.ts';
import { ensureForwarding } from './forwarding.ts';
import type { Kernel, Namespace, RulesOf } from './kernel.ts';
import { missingRequirements } from './requirements.ts';
import { namespaceId, watchNamespace } from './sandbox.ts';

const sandbox = 'ingress_sbox';

/** Succeeds whether it was there or not; nft 1.0.6 has no `destroy`. */
const withoutStandby = `add table inet ${standbyName}\ndelete table inet ${standbyName}\n`;

/** Each try drops those before the one that ended by itself, so more than a few are needed only by a flood. */
const forgetTriesMax = 10;

export type LinuxKernelOptions = {
  /** The folder of Docker's namespaces: `netns` in dockerd's exec-root. */
  readonly netnsDir?: string;
  /** The file of the host's network namespace; the process's own where it is left out. */
  readonly hostNamespace?: string;
  /** How long a command may take before it is killed. nft lists 10,000 elements in 0.2 s. */
  readonly limitMs?: number;
};

/**
 * The machine's own kernel, by nft, iptables, conntrack and nsenter, one process per verb. Measured, processes included
 * (nft 1.0.6, Linux 6.18, two cores): a change that only adds 6 ms, one that deletes 17 to 22 ms with 10 to 10,000
 * services of two endpoints, as the kernel waits for its readers; a whole table of 10,000 services 215 ms; reading it
 * 420 ms. A long-lived `nft -i` per namespace would save the process, about 3 ms, behind this same interface.
 */
export function createLinuxKernel({
  netnsDir = process.env.FAIRWAY_NETNS_DIR ?? '/var/run/docker/netns',
  hostNamespace,
  limitMs = 10_000,
}: LinuxKernelOptions = {}): Kernel {
  const sandboxPath = join(netnsDir, sandbox);

  const runIn = async (namespace: Namespace, command: string, args: readonly string[], input?: string) => {
    const path = namespace === 'host' ? hostNamespace : sandboxPath;
    const options = input === undefined ? { limitMs } : { limitMs, input };
    if (path === undefined) return runCommand(command, args, options);
    if (!(await namespaceId(path))) throw new NamespaceMissing(namespace, path);
    try {
      return await runCommand('nsenter', [`--net=${path}`, '--', command, ...args], options);
    } catch (error) {
      if (error instanceof CommandFailed && error.stderr.startsWith('nsenter: ')) {
        // Docker may take the sandbox away between the look and the step into it.
        if (!(await namespaceId(path))) throw new NamespaceMissing(namespace, path, error);
      }
      throw error;
    }
  };

  const nft = async (namespace: Namespace, text: string) => {
    try {
      await runIn(namespace, 'nft', ['-f', '-'], text);
    } catch (error) {
      if (!(error instanceof CommandFailed) || error.stderr.startsWith('nsenter: ')) throw error;
      throw new RuleRejected(namespace, reasonOf(error), text, error);
    }
  };

  let forwarding: Promise<unknown> = Promise.resolve();

  /** Where a program that ended amid a rebuild may have left its standby. */
  const standbyMayRemain = new Set<Namespace>(['host', 'ingress']);
  const dropStandby = async (namespace: Namespace) => {
    await nft(namespace, withoutStandby);
    standbyMayRemain.delete(namespace);
  };

  /**
   * Deleting a table and adding it again is one transaction, and still 1 in 200 of them lost a new connection, of
   * 10,000 per second (2,000 tried on Linux 6.18): a packet then on its way finds the new chains still empty and the
   * old ones already gone. With a second table of the same rules beside it none was lost.
   */
  const rebuild = async (namespace: Namespace, transaction: Transaction) => {
    standbyMayRemain.add(namespace);
    const standby = render({ operations: transaction.operations.slice(1) }, standbyName);
    await nft(namespace, withoutStandby + standby);
    try {
      await nft(namespace, render(transaction));
    } finally {
      await dropStandby(namespace);
    }
  };

  return {
    async read<N extends Namespace>(namespace: N): Promise<Found<RulesOf<N>> | undefined> {
      if (standbyMayRemain.has(namespace)) await dropStandby(namespace);
      try {
        const text = await runIn(namespace, 'nft', ['list', 'table', 'inet', tableName]);
        return parseTable<RulesOf<N>>(namespace as RulesOf<N>['kind'], text);
      } catch (error) {
        if (error instanceof CommandFailed && noSuchTable(error)) return undefined;
        throw error;
      }
    },

    async apply(namespace, transaction: Transaction) {
      const start = performance.now();
      if (isRebuild(transaction)) await rebuild(namespace, transaction);
      else await nft(namespace, render(transaction));
      return { durationMs: performance.now() - start };
    },

    ensureHost() {
      // One after the other: two at once would both find a rule missing, and both add it.
      const next = forwarding.then(() => ensureForwarding((command, args) => runIn('host', command, args)));
      forwarding = next.catch(() => {});
      return next;
    },

    async forget(namespace, stale) {
      if (stale.length === 0) return 0;
      // One process for all of them (`-R`, conntrack-tools 1.4.7); it prints a line for each connection it drops.
      const lines = stale.map((one) => `-D ${conntrackFilter(one)}\n`);
      for (let tries = 1; ; tries += 1) {
        try {
          const dropped = await runIn(namespace, 'conntrack', ['-R', '-'], lines.join(''));
          return dropped.split('\n').filter((line) => line !== '').length;
        } catch (error) {
          // It lists and then deletes one by one, and gives up where one ended by itself in between.
          const ended = error instanceof CommandFailed && error.stderr.includes("such conntrack doesn't exist");
          if (!ended || tries === forgetTriesMax) throw error;
        }
      }
    },

    sandboxId: () => namespaceId(sandboxPath),
    watchSandboxes: (onChange) => watchNamespace(netnsDir, sandbox, onChange),
    requirements: () => missingRequirements(),
  };
}

function conntrackFilter(stale: Stale): string {
  if (stale.kind === 'published') return `-p ${stale.carrier} --orig-port-dst ${assertPort(stale.port)}`;
  const { carrier, target } = stale;
  return `-p ${carrier} --reply-src ${assertAddress(target.address)} --reply-port-src ${assertPort(target.port)}`;
}

/** nft says the same of a missing table and, with another place, of much else: the last line marks the table's name. */
function noSuchTable({ stderr }: CommandFailed): boolean {
  return /^Error: No such file or directory/.test(stderr) && stderr.includes(`table inet ${tableName}`);
}

function reasonOf({ stderr }: CommandFailed): string {
  return /Error: (.*)/.exec(stderr)?.[1] ?? stderr.trim();
}
