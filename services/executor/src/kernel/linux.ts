import { join } from 'node:path';
import { schedulers as knownSchedulers, type Scheduler } from '@fairway/mesh';
import { layoutComment, standbyName, tableName } from '../rules/layout.ts';
import { parseTable } from '../rules/parse.ts';
import { render, renderRoutes, routeProtocol } from '../rules/render.ts';
import { renderVirtual } from '../rules/render-virtual.ts';
import { type Balancer, type Found, type Rules, type VipKey, vipKey } from '../rules/rules.ts';
import { isRebuild, isRemoval, ofElementsAlone, type Transaction } from '../rules/transaction.ts';
import { asOneLine, joined, type Words, words } from '../rules/words.ts';
import { runCommand } from './command.ts';
import { conntrackFilters, filtersAmong } from './connections.ts';
import {
  CommandFailed,
  CommandHung,
  NamespaceMissing,
  RefusedByIpvs,
  RouteRejected,
  RuleRejected,
} from './failures.ts';
import { endWitness, wereFlushed } from './flush-witness.ts';
import { endForwarding, ensureForwarding, type RunOnHost } from './forwarding.ts';
import { Ipvs, ipvsSettings } from './ipvs.ts';
import { type IpvsTimeouts, kernelTimeouts } from './ipvs-timeouts.ts';
import { fileOf, ipvsKindOf, type Kernel, kindOf, type Namespace, type RulesOf, type Sandbox } from './kernel.ts';
import { linuxOverlay } from './linux-overlay.ts';
import { NftMonitor } from './nft-monitor.ts';
import { NftSession } from './nft-session.ts';
import { RecentProcesses } from './recent-processes.ts';
import { missingRequirements } from './requirements.ts';
import { listSandboxes, namespaceId, watchSandboxes } from './sandbox.ts';
import { TimeLimit } from './time-limit.ts';

/** Succeeds whether it was there or not; nft 1.0.6 has no `destroy`. */
const withoutStandby = words`add table inet ${standbyName}\ndelete table inet ${standbyName}\n`;

/** Above this many characters a change is given to a process of its own: a session is for the small ones. */
const sessionTextMax = 32_768;

/**
 * conntrack goes through its whole table for each line that it is given, 9 ms for an empty one of 262,144 buckets, and a dead
 * task takes a line for each state of TCP. A thousand lines took it longer than a command may take, and were then tried again
 * for ever. So where there is more than one, there are lines only for what a list of all connections has, and so many of
 * them by one process.
 */
const forgetUnseenMax = 1;
const forgetAtOnceMax = 100;

/** Each try drops those before the one that ended by itself, so more than a few are needed only by a flood. */
const forgetTriesMax = 10;

const forwards = ['/proc/sys/net/ipv4/ip_forward', '1'] as const;

/**
 * A network's sandbox sends packets out where they came in, and would tell the sender of each that there is a shorter way
 * (ICMP redirect): the kernel drops those about translated connections, but counts them against the rate at which it
 * tells of refused ports (net/ipv4/route.c, `ip_rt_send_redirect`), so that refusals go missing. Redirects are sent if
 * either of the two settings is on (ip-sysctl.rst, `send_redirects`).
 */
const noRedirects = [
  ['/proc/sys/net/ipv4/conf/all/send_redirects', '0'],
  ['/proc/sys/net/ipv4/conf/eth0/send_redirects', '0'],
] as const;

/** What a sandbox has to be set to. */
const sandboxSettings: Readonly<Record<Rules['kind'], ReadonlyMap<string, string>>> = {
  host: new Map(),
  ingress: new Map([forwards]),
  network: new Map([forwards, ...noRedirects]),
  'ipvs-ingress': new Map([forwards, ...ipvsSettings]),
  'ipvs-network': new Map([forwards, ...noRedirects, ...ipvsSettings]),
};

export type LinuxKernelOptions = {
  /** The folder of Docker's namespaces: `netns` in dockerd's exec-root. */
  readonly netnsDir?: string;
  /** The file of the host's network namespace; the process's own where it is left out. */
  readonly hostNamespace?: string;
  /** What balances in the sandboxes: nftables unless told otherwise. */
  readonly balancer?: Balancer;
  /** The schedulers that it has: all that Fairway knows unless told otherwise. */
  readonly schedulers?: ReadonlySet<Scheduler>;
  /** How long IPVS keeps silent connections; what the kernel begins with unless told otherwise. */
  readonly ipvsTimeouts?: IpvsTimeouts;
  /** How long a command may take before it is killed; longer on a slow machine. nft lists 10,000 elements in 0.2 s. */
  readonly limitMs?: number;
};

/**
 * The machine's own kernel, by nft, ip, iptables, conntrack and nsenter: one process per verb, but for changes, which go
 * to a session for each namespace. Measured (nft 1.0.6, Linux 6.18, two cores) with 10,000 services of two endpoints: a
 * whole table 215 ms, reading it 420 ms; a change by a process of its own 17 to 22 ms, by a session below 1 ms.
 */
export function createLinuxKernel({
  netnsDir = process.env.FAIRWAY_NETNS_DIR ?? '/var/run/docker/netns',
  hostNamespace,
  balancer = 'nftables',
  schedulers = new Set(knownSchedulers),
  ipvsTimeouts,
  limitMs = 10_000,
}: LinuxKernelOptions = {}): Kernel {
  const pathOf = (namespace: Namespace) => (namespace === 'host' ? hostNamespace : join(netnsDir, fileOf(namespace)));

  const limit = new TimeLimit(limitMs);
  const started = new RecentProcesses();
  const run = async (command: string, args: readonly string[], input?: Words) => {
    try {
      const options = { limitMs: limit.ms, onStart: started.add };
      return await runCommand(command, args, { ...options, ...(input === undefined ? {} : { input }) });
    } catch (error) {
      if (error instanceof CommandHung) limit.killed(error.limitMs);
      throw error;
    }
  };

  const runIn = async (namespace: Namespace, command: string, args: readonly string[], input?: Words) => {
    const path = pathOf(namespace);
    if (path === undefined) return run(command, args, input);
    if (!(await namespaceId(path))) throw new NamespaceMissing(namespace, path);
    try {
      return await run('nsenter', [`--net=${path}`, '--', command, ...args], input);
    } catch (error) {
      if (error instanceof CommandFailed && error.stderr.startsWith('nsenter: ')) {
        // Docker may take the sandbox away between the look and the step into it.
        if (!(await namespaceId(path))) throw new NamespaceMissing(namespace, path, error);
      }
      throw error;
    }
  };

  const nft = async (namespace: Namespace, text: Words, options: readonly string[] = []) => {
    try {
      await runIn(namespace, 'nft', [...options, '-f', '-'], text);
    } catch (error) {
      if (!(error instanceof CommandFailed) || error.stderr.startsWith('nsenter: ')) throw error;
      throw new RuleRejected(namespace, reasonOf(error), text, error);
    }
  };

  /** A session for each namespace that was changed, with the identity of the namespace that it is in. */
  const sessions = new Map<Namespace, { readonly id: string | undefined; readonly session: NftSession }>();
  const isOwn = (pid: number) => started.has(pid) || [...sessions.values()].some(({ session }) => session.pid === pid);
  const endSession = (namespace: Namespace) => {
    const session = sessions.get(namespace)?.session;
    session?.close();
    // What it did last may still be told.
    if (session?.pid !== undefined) started.add(session.pid);
    sessions.delete(namespace);
  };
  const sessionIn = async (namespace: Namespace) => {
    const path = pathOf(namespace);
    const id = path === undefined ? undefined : await namespaceId(path);
    if (path !== undefined && id === undefined) throw new NamespaceMissing(namespace, path);
    const held = sessions.get(namespace);
    if (held && held.id === id && !held.session.ended && !held.session.worn) return held.session;
    endSession(namespace);
    const [command, args] = path === undefined ? ['nft', ['-i']] : ['nsenter', [`--net=${path}`, '--', 'nft', '-i']];
    const session = new NftSession(command as string, args as string[], limit);
    sessions.set(namespace, { id, session });
    return session;
  };

  /** A small change by a session; a large one by a process, which reads any number of lines. */
  const change = async (namespace: Namespace, text: Words) => {
    if (text === '') return;
    if (text.length > sessionTextMax) return nft(namespace, text);
    const session = await sessionIn(namespace);
    try {
      await session.run(asOneLine(text));
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      if (!session.ended) throw new RuleRejected(namespace, reasonOf(error), text, error);
      // Docker may take the sandbox away between the look and nsenter's step into it, and while nft runs.
      const path = pathOf(namespace);
      if (path !== undefined && !(await namespaceId(path))) throw new NamespaceMissing(namespace, path, error);
      throw error;
    }
  };

  let forwarding: Promise<unknown> = Promise.resolve();

  /** Where no standby is: elsewhere a program that ended amid a rebuild may have left one. */
  const standbyGone = new Set<Namespace>();
  const dropStandby = async (namespace: Namespace) => {
    await nft(namespace, withoutStandby);
    standbyGone.add(namespace);
  };

  /** One that is not there is not touched: a restart writes nothing. */
  const dropLeftStandby = async (namespace: Namespace) => {
    const tables = await runIn(namespace, 'nft', ['list', 'tables', 'inet']);
    if (tables.split('\n').includes(`table inet ${standbyName}`)) await dropStandby(namespace);
    else standbyGone.add(namespace);
  };

  /** The virtual IPs that Fairway lets a network's sandbox answer for. */
  const vipsIn = async (sandbox: Sandbox): Promise<ReadonlySet<VipKey>> => {
    const listed = await runIn(sandbox, 'ip', ['-4', 'route', 'show', 'table', 'local', 'proto', routeProtocol]);
    return new Set([...listed.matchAll(/^local ([\d.]+) /gm)].map(([, text = '']) => vipKey({ family: 'ip', text })));
  };

  /** Adds and deletes routes; what is there already, or gone already, is left as it is. */
  const bringRoutes = async (namespace: Namespace, text: Words) => {
    if (text === '') return;
    try {
      await runIn(namespace, 'ip', ['-force', '-batch', '-'], text);
    } catch (error) {
      if (!(error instanceof CommandFailed) || error.stderr.startsWith('nsenter: ')) throw error;
      const other = error.stderr.split('\n').filter((line) => line !== '' && !isHarmless(line));
      if (other.length > 0) throw new RouteRejected(namespace, other[0] as string, text, error);
    }
  };

  /**
   * Deleting a table and adding it again is one transaction, and still 1 in 200 of them lost a new connection, of
   * 10,000 per second (2,000 tried on Linux 6.18): a packet then on its way finds the new chains still empty and the
   * old ones already gone. With a second table of the same rules beside it none was lost.
   */
  const rebuild = async (namespace: Namespace, transaction: Transaction) => {
    const withoutDelete = transaction.operations.filter(({ do: verb }) => verb !== 'delete table');
    const standby = render({ operations: withoutDelete }, standbyName);
    try {
      await nft(namespace, words`${withoutStandby}${standby}`);
      try {
        await nft(namespace, render(transaction));
      } finally {
        await dropStandby(namespace);
      }
    } catch (error) {
      // Not before: who reads for people meanwhile would take the second table away.
      standbyGone.delete(namespace);
      throw error;
    }
  };

  const list = async (namespace: Namespace) => {
    try {
      return await runIn(namespace, 'nft', ['list', 'table', 'inet', tableName]);
    } catch (error) {
      if (error instanceof CommandFailed && noSuchTable(error)) return undefined;
      throw error;
    }
  };

  const forgetSome = async (namespace: Namespace, filters: readonly Words[]) => {
    // One process for all of them (`-R`, conntrack-tools 1.4.7); it prints a line for each connection it drops.
    const lines = joined(
      filters.map((filter) => words`-D ${filter}\n`),
      words``,
    );
    for (let tries = 1; ; tries += 1) {
      try {
        const dropped = await runIn(namespace, 'conntrack', ['-R', '-'], lines);
        return dropped.split('\n').filter((line) => line !== '').length;
      } catch (error) {
        // It lists and then deletes one by one, and gives up where one ended by itself in between.
        const ended = error instanceof CommandFailed && error.stderr.includes("such conntrack doesn't exist");
        if (!ended || tries === forgetTriesMax) throw error;
      }
    }
  };

  /** One after the other: two at once would both find a rule missing, and both add it. */
  const onHost = <T>(work: (run: RunOnHost) => Promise<T>): Promise<T> => {
    const next = forwarding.then(() => work((command, args) => runIn('host', command, args)));
    forwarding = next.catch(() => {});
    return next;
  };

  /** The timeouts that Fairway gives a namespace, if any. */
  const timeoutsOf = (namespace: Namespace) => (balancer === 'ipvs' && namespace !== 'host' ? ipvsTimeouts : undefined);
  const ipvs = new Ipvs((namespace, args, input) => runIn(namespace, 'ipvsadm', args, input));

  return {
    balancer,
    schedulers,

    async read<N extends Namespace>(namespace: N): Promise<Found<RulesOf<N>> | undefined> {
      if (!standbyGone.has(namespace)) await dropLeftStandby(namespace);
      const kind = kindOf(namespace, balancer);
      const virtual = kind === 'ipvs-ingress' || kind === 'ipvs-network' ? await ipvs.read(namespace, kind) : undefined;
      const text = await list(namespace);
      if (text === undefined && !virtual?.virtual.size) return undefined;
      const vips = kind === 'network' || kind === 'ipvs-network' ? await vipsIn(namespace as Sandbox) : undefined;
      const found = parseTable<RulesOf<N>>(kind as RulesOf<N>['kind'], text ?? noTable(kind), {
        ...(vips ? { vips } : {}),
        ...(virtual ? { virtual } : {}),
      });
      return text === undefined ? { ...found, missing: true } : found;
    },

    async show(namespace) {
      const table = await list(namespace);
      if (table === undefined || balancer !== 'ipvs' || namespace === 'host') return table;
      return `${table}\n${await ipvs.show(namespace)}`;
    },

    async apply(namespace, transaction: Transaction) {
      const start = performance.now();
      const rules = render(transaction);
      const lines = renderVirtual(transaction);
      const refused = await ipvs.restore(namespace, lines.before);
      if (isRebuild(transaction)) {
        await rebuild(namespace, transaction);
        // The table before may have led to IPVS.
        if (balancer === 'nftables' && namespace !== 'host') await ipvs.clear(namespace, ipvsKindOf(namespace));
      } else if (ofElementsAlone(transaction)) await change(namespace, rules);
      else await nft(namespace, rules);
      // After the rules: a virtual IP that is answered for before they are there refuses whoever asks.
      await bringRoutes(namespace, renderRoutes(transaction));
      refused.push(...(await ipvs.restore(namespace, lines.after)));
      if (isRemoval(transaction)) {
        if (timeoutsOf(namespace)) await ipvs.setTimeouts(namespace, kernelTimeouts);
        await endWitness(runIn, namespace);
      }
      if (refused.length > 0) throw new RefusedByIpvs(namespace, refused);
      return { durationMs: performance.now() - start };
    },

    async refusal(namespace, transaction) {
      try {
        await nft(namespace, render(transaction), ['--check']);
        return undefined;
      } catch (error) {
        if (error instanceof RuleRejected) return error.reason;
        throw error;
      }
    },

    ensureHost: () => onHost(ensureForwarding),

    leaveHost: () => onHost(endForwarding),

    async connections(sandbox) {
      return balancer === 'ipvs' ? ipvs.connections(sandbox, ipvsKindOf(sandbox)) : new Map();
    },

    async forget(namespace, stale) {
      const all = stale.flatMap(conntrackFilters);
      const due = all.length > forgetUnseenMax ? filtersAmong(stale, await runIn(namespace, 'conntrack', ['-L'])) : all;
      let dropped = 0;
      for (let at = 0; at < due.length; at += forgetAtOnceMax) {
        dropped += await forgetSome(namespace, due.slice(at, at + forgetAtOnceMax));
      }
      return dropped;
    },

    wereFlushed: (namespace) => wereFlushed(runIn, namespace),

    async ensureSettings(sandbox) {
      const settings = [...sandboxSettings[kindOf(sandbox, balancer)]];
      const before = (
        await runIn(
          sandbox,
          'cat',
          settings.map(([path]) => path),
        )
      )
        .trim()
        .split('\n');
      const timeouts = timeoutsOf(sandbox);
      const wrong = settings.flatMap(([path, value], at) =>
        before[at] === value ? [] : [{ path, value, was: before[at] }],
      );
      if (wrong.length > 0)
        await runIn(sandbox, 'sh', ['-ec', wrong.map(({ path, value }) => `echo ${value} >${path}`).join('; ')]);
      const told = wrong.map(({ path, value, was }) => `${settingOf(path)} was ${was}, is ${value}`);
      return timeouts && (await ipvs.setTimeouts(sandbox, timeouts)) ? [...told, "IPVS's timeouts were others"] : told;
    },

    ...linuxOverlay({ netnsDir, run, onHost: (command, args) => runIn('host', command, args) }),

    sandboxes: () => listSandboxes(netnsDir),
    watchSandboxes: (onChange) =>
      watchSandboxes(netnsDir, (sandbox, id) => {
        // Whoever is in a namespace keeps it, though Docker took its file away.
        if (sessions.get(sandbox)?.id !== id) endSession(sandbox);
        onChange(sandbox, id);
      }),

    watchRules(namespace, onChange) {
      const path = pathOf(namespace);
      const within = path === undefined ? [] : ['nsenter', `--net=${path}`, '--'];
      return new NftMonitor({ within, isOwn, onChange });
    },

    requirements: () => missingRequirements(),
  };
}

/** `net.ipv4.ip_forward`, of the file that it is. */
function settingOf(path: string): string {
  return path.slice('/proc/sys/'.length).replaceAll('/', '.');
}

/** What `ip -batch` says of a route that is there already or no more (EEXIST, ESRCH; iproute2 6.1), and of its line. */
const harmless = [/^RTNETLINK answers: (File exists|No such process)$/, /^Command failed -:\d+$/];

function isHarmless(line: string): boolean {
  return harmless.some((form) => form.test(line));
}

/** nft says the same of a missing table and, with another place, of much else: the last line marks the table's name. */
function noSuchTable({ stderr }: CommandFailed): boolean {
  return /^Error: No such file or directory/.test(stderr) && stderr.includes(`table inet ${tableName}`);
}

function reasonOf({ stderr }: CommandFailed): string {
  return /Error: (.*)/.exec(stderr)?.[1] ?? stderr.trim();
}

/** What is read where there is no table, but virtual services of one. */
function noTable(kind: Rules['kind']): string {
  return `table inet ${tableName} {\n\tcomment "${layoutComment(kind)}"\n}\n`;
}
