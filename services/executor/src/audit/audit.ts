import type { Clock } from '@fairway/bus';
import type { Examination, Finding } from '@fairway/mesh';
import { describe } from '@fairway/telemetry';
import type { DockerReader } from '../kernel/docker-reader.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { auditHost } from './audit-host.ts';
import { auditOverlay } from './audit-overlay.ts';
import { auditSandbox } from './audit-sandbox.ts';
import type { DockersHost } from './dockers-mesh.ts';
import type { ExpectedSandbox } from './expected.ts';
import { type Known, lookHere } from './here.ts';
import { lookTwice } from './look-twice.ts';

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
 * Compares Docker's own mesh on this node with what the managers say it should be, and changes nothing.
 * @throws Error where nothing can be compared with yet
 */
export function audit(options: Options): Promise<Examination> {
  return lookTwice(() => look(options), options.clock);
}

async function look({ kernel, docker, version, known }: Options): Promise<Examination> {
  const { own, sandboxes, overlays, places, nameOf, unable } = await lookHere(kernel, known());
  const failed: { where: string; why: string }[] = [];
  const attempt = async <Found>(where: string, reading: Promise<Found>): Promise<Found | undefined> => {
    try {
      return await reading;
    } catch (error) {
      failed.push({ where, why: describe(error) });
      return undefined;
    }
  };

  const findings = overlays.flatMap((overlay) => auditOverlay(overlay, places, own.node, nameOf));
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
  return { looked: lookedAt(sandboxes, own.node), findings, unable: [...unable, ...failed] };
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
