import type { Clock } from '@fairway/bus';
import type { Examination, Finding, Mesh, WatchedFacts } from '@fairway/mesh';
import { describe } from '@fairway/telemetry';
import type { DockerReader } from '../kernel/docker-reader.ts';
import { fileOf, type Kernel } from '../kernel/kernel.ts';
import { placesOf } from '../node-places.ts';
import { auditHost } from './audit-host.ts';
import { auditOverlay, type FoundOverlay } from './audit-overlay.ts';
import { auditSandbox } from './audit-sandbox.ts';
import type { DockersHost } from './dockers-mesh.ts';
import { type ExpectedSandbox, expectedOf } from './expected.ts';

/** What the swarm is, and what the node knows of itself. */
export type Known = { readonly mesh: Mesh; readonly own: WatchedFacts };

type Options = {
  readonly kernel: Pick<Kernel, 'sandboxes' | 'ways'>;
  readonly docker: DockerReader;
  /** dockerd's, `20.10.24`. */
  readonly version: () => Promise<string | undefined>;
  /** As it is now; undefined where it is in no swarm, or knows of none yet. */
  readonly known: () => Known | undefined;
  readonly clock: Pick<Clock, 'after'>;
};

/**
 * What is found has to be there still after this time: Docker goes by gossip, which takes some hundred milliseconds, and
 * keeps a task that is to stop for 2 s with weight 0 (moby daemon/cluster/executor/container/controller.go).
 */
const lastingMs = 3_000;
/** More than that nobody reads, and an answer is one message. */
const toldMax = 500;

/**
 * Compares Docker's own mesh on this node with what the managers say it should be, and changes nothing. What passes while
 * a service changes is not told: it looks twice.
 * @throws Error where nothing can be compared with yet
 */
export async function audit(options: Options): Promise<Examination> {
  const first = await look(options);
  if (first.findings.length === 0) return first;
  await new Promise<void>((resolve) => options.clock.after(lastingMs, resolve));
  const second = await look(options);
  const lasting = new Set(first.findings.map(identity));
  return { ...second, findings: second.findings.filter((finding) => lasting.has(identity(finding))) };
}

/** The same thing found again; how many share the requests, say, may be another number by then. */
function identity({ kind, where, what }: Finding): string {
  return `${kind} ${where} ${what}`;
}

async function look({ kernel, docker, version, known }: Options): Promise<Examination> {
  const now = known();
  if (!now) throw new Error('this node is in no swarm, or does not know of it yet');
  const { mesh, own } = now;
  if (!mesh.complete) throw new Error('no complete listing from a manager yet, with which Docker could be compared');
  const files = new Set([...(await kernel.sandboxes()).keys()].map(fileOf));
  const sandboxes = expectedOf(mesh, own, files);
  const unable: { where: string; why: string }[] = [];
  const attempt = async <Found>(where: string, reading: Promise<Found>): Promise<Found | undefined> => {
    try {
      return await reading;
    } catch (error) {
      unable.push({ where, why: describe(error) });
      return undefined;
    }
  };

  const overlays = await Promise.all(
    sandboxes.map(async (expected): Promise<FoundOverlay> => {
      const ways = await attempt(`overlay ${expected.network.name}`, kernel.ways(expected.network));
      return { expected, ways };
    }),
  );
  const readable = overlays.filter(({ expected }) =>
    unable.every(({ where }) => where !== `overlay ${expected.network.name}`),
  );
  const nodesOf = ({ tasks }: ExpectedSandbox) => new Map([...tasks].map(([address, { node }]) => [address, node]));
  const places = placesOf(readable.map(({ expected, ways }) => ({ nodes: nodesOf(expected), ways })));
  const nameOf = (node: string) => mesh.nodes.get(node)?.claim?.name ?? node;
  const findings = readable.flatMap((overlay) => auditOverlay(overlay, places, own.node, nameOf));

  const ingress = sandboxes.find(({ network }) => network.ingress);
  if (await docker.hasIpvs()) {
    const host = await attempt('host', readHost(docker, version));
    const gateway = own.gateway?.text;
    if (host && ingress && gateway !== undefined) findings.push(...auditHost(host, ingress.services, gateway));
    await Promise.all(
      sandboxes.map(async (expected) => {
        const found = await attempt(expected.file, docker.sandbox(expected.file));
        if (found) findings.push(...auditSandbox(found, expected));
      }),
    );
  } else if (sandboxes.some(({ services }) => services.length > 0)) findings.push(withoutIpvs(sandboxes));
  const left = findings.length - toldMax;
  if (left > 0) unable.push({ where: 'all', why: `${count(left, 'more finding')} left out` });
  return { looked: lookedAt(sandboxes, own.node), findings: findings.sort(byPlace).slice(0, toldMax), unable };
}

/** @throws Error where this Docker's rules on the host are none that are known here */
async function readHost(docker: DockerReader, version: Options['version']): Promise<DockersHost> {
  const dockerd = await version();
  const [major = 0, minor = 0] = (dockerd ?? '').split('.').map(Number);
  if (major > 29 || (major === 29 && minor >= 8))
    throw new Error(
      `Docker ${dockerd} has no chain DOCKER-INGRESS, as those before 29.8 have, and what it has is not known here`,
    );
  return docker.host();
}

function withoutIpvs(sandboxes: readonly ExpectedSandbox[]): Finding {
  return {
    kind: 'missing',
    where: 'host',
    what: 'the kernel has no IPVS (module ip_vs)',
    breaks: `Docker's own mesh serves nothing on this node: ${counted(sandboxes).join(', ')}`,
    mend: 'modprobe ip_vs, or a kernel that has it',
  };
}

function counted(sandboxes: readonly ExpectedSandbox[]): readonly string[] {
  const services = sandboxes.flatMap(({ services }) => services);
  const ports = services.flatMap(({ ports }) => ports).length;
  const vips = services.filter(({ ports }) => ports.length === 0).length;
  return [count(ports, 'published port'), count(vips, 'virtual IP')];
}

function lookedAt(sandboxes: readonly ExpectedSandbox[], own: string): readonly string[] {
  const elsewhere = sandboxes.flatMap(({ tasks }) => [...tasks.values()].filter(({ node }) => node !== own));
  return [...counted(sandboxes), `${count(elsewhere.length, 'way')} to tasks of other nodes`];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function byPlace(a: Finding, b: Finding): number {
  const [one, other] = [`${a.where} ${a.what}`, `${b.where} ${b.what}`];
  return one < other ? -1 : Number(one > other);
}
