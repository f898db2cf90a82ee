import type { Clock } from '@fairway/bus';
import type { Address, Examination, Finding } from '@fairway/mesh';
import { describe } from '@fairway/telemetry';
import type { Kernel } from '../kernel/kernel.ts';
import { auditHost, auditHostLeft } from './audit-host.ts';
import { auditOverlay } from './audit-overlay.ts';
import { auditSandbox, auditSandboxLeft } from './audit-sandbox.ts';
import type { DockerReader } from './docker-reader.ts';
import type { DockersHost } from './dockers-mesh.ts';
import { type ExpectedSandbox, isDue } from './expected.ts';
import { type Known, lookHere } from './here.ts';
import { lookTwice } from './look-twice.ts';

type Options = {
  readonly kernel: Pick<Kernel, 'sandboxes' | 'ways'>;
  readonly docker: DockerReader;
  /** Docker's folder of network namespaces, for what mends them. */
  readonly netnsDir: string;
  /** dockerd's, `20.10.24`; undefined where it does not say. */
  readonly version: () => Promise<string | undefined>;
  /** Whether Fairway routes here. */
  readonly serves: () => boolean;
  /** As it is now; undefined where it is in no swarm, or knows of none yet. */
  readonly known: () => Known | undefined;
  readonly clock: Pick<Clock, 'after'>;
};

/**
 * Compares Docker's own mesh on this node with what the managers say it should be, and changes nothing.
 * @throws Error where nothing can be compared with yet
 */
export function audit(options: Options): Promise<Examination> {
  return lookTwice(() => look(options), options.clock);
}

async function look({ kernel, docker, netnsDir, version, serves, known }: Options): Promise<Examination> {
  const { own, sandboxes, overlays, places, missing, nameOf, unable } = await lookHere(kernel, known());
  const failed: { where: string; why: string }[] = [];
  const attempt = async <Found>(where: string, reading: Promise<Found>): Promise<Found | undefined> => {
    try {
      return await reading;
    } catch (error) {
      failed.push({ where, why: describe(error) });
      return undefined;
    }
  };

  const ofOverlays = overlays.flatMap((overlay) => auditOverlay(overlay, places, own.node, nameOf));
  const ofMesh: Finding[] = [];
  const left: Finding[] = [];
  const ingress = sandboxes.find(({ network }) => network.ingress);
  if (await docker.hasIpvs()) {
    const readings = sandboxes.map(async (expected) => {
      const found = await attempt(expected.file, docker.sandbox(expected.file));
      if (!found) return;
      ofMesh.push(...auditSandbox(found, expected, netnsDir));
      left.push(...auditSandboxLeft(found, expected, netnsDir));
    });
    const host = await attempt('host', readHost(docker, version, own.gateway));
    if (host && ingress && own.gateway) {
      ofMesh.push(...auditHost(host, ingress.services, own.gateway.text));
      left.push(...auditHostLeft(host, ingress.services));
    }
    await Promise.all(readings);
  } else if (sandboxes.some(({ services }) => services.some(isDue))) ofMesh.push(withoutIpvs(sandboxes));
  const findings = [...missing, ...ofOverlays, ...left, ...(serves() ? ofMesh.map(heldByFairway) : ofMesh)];
  return { looked: lookedAt(sandboxes, own.node), findings, unable: [...unable, ...failed] };
}

/** @throws Error where this Docker's rules on the host are none that are known here */
async function readHost(
  docker: DockerReader,
  version: Options['version'],
  gateway: Address | undefined,
): Promise<DockersHost> {
  if (!gateway) throw new Error('Docker has not told where the ingress sandbox is on docker_gwbridge');
  const dockerd = await version();
  if (dockerd === undefined) throw new Error('Docker does not say in time which version it is');
  const [major = 0, minor = 0] = dockerd.split('.').map(Number);
  if (major > 29 || (major === 29 && minor >= 8))
    throw new Error(
      `Docker ${dockerd} has no chain DOCKER-INGRESS, as those before 29.8 have, and what it has is not known here`,
    );
  return docker.host();
}

/** What Docker's own mesh breaks is not broken where Fairway routes. */
function heldByFairway(finding: Finding): Finding {
  return { ...finding, breaks: `${finding.breaks}; not while Fairway serves here` };
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
