import type { Clock } from '@fairway/bus';
import { type Examination, emptyMesh, type Finding } from '@fairway/mesh';
import { describe } from '@fairway/telemetry';
import { auditOverlay } from '../audit/audit-overlay.ts';
import { type Here, type Known, lookHere } from '../audit/here.ts';
import { lookTwice } from '../audit/look-twice.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Machine } from '../kernel/machine.ts';
import { addressesCheck } from './addresses.ts';
import { busServersCheck } from './bus-servers.ts';
import type { Check, Patient } from './check.ts';
import { checksumsCheck } from './checksums.ts';
import { iptablesCheck } from './iptables-variants.ts';
import { mtuCheck } from './mtu.ts';
import { nftablesCheck, programsCheck } from './programs.ts';
import { reachCheck } from './reach.ts';
import { registrationOf } from './registration.ts';
import { sandboxInterfaces } from './sandbox-interface.ts';
import { settingsCheck, trackingCheck } from './settings.ts';
import { vxlanPortCheck } from './vxlan-port.ts';

type Options = {
  readonly machine: Machine;
  readonly kernel: Patient['kernel'] & Pick<Kernel, 'sandboxes' | 'ways'>;
  readonly known: () => Known | undefined;
  readonly servers: readonly string[];
  readonly clock: Pick<Clock, 'after'>;
  /** The wall clock. */
  readonly nowMs?: () => number;
};

/** Of the machine alone. */
const ofMachine: readonly Check[] = [
  programsCheck,
  nftablesCheck,
  iptablesCheck,
  settingsCheck,
  trackingCheck,
  vxlanPortCheck,
  checksumsCheck,
  busServersCheck,
];
/** Of its part in the swarm. */
const ofSwarm: readonly Check[] = [mtuCheck, addressesCheck, reachCheck];
/** What passes while a service or a node changes, and is looked at twice. */
const lastingAbout: readonly string[] = ["what Docker's managers call this node", 'ways to tasks of other nodes'];

/** Looks for what keeps the mesh from working on this node, each thing by itself, and changes nothing. */
export async function doctor({
  machine,
  kernel,
  known,
  servers,
  clock,
  nowMs = Date.now,
}: Options): Promise<Examination> {
  let here: Here | undefined;
  const lasting = await lookTwice(async () => {
    try {
      here = await lookHere(kernel, known());
    } catch (error) {
      return { looked: [], findings: [], unable: [{ where: 'swarm', why: describe(error) }] };
    }
    const { mesh, overlays, places, own, missing, nameOf, unable } = here;
    const ofOverlays = overlays.flatMap((overlay) => auditOverlay(overlay, places, own.node, nameOf));
    const findings = [...registrationOf(mesh, own.node), ...missing, ...ofOverlays];
    return { looked: lastingAbout, findings, unable };
  }, clock);
  const patient: Patient = {
    ...(here ? { ...here, node: here.own.node } : inNoSwarm),
    machine,
    kernel,
    servers,
    clock,
    interfaceOf: sandboxInterfaces(machine),
  };
  const done = await Promise.all([...ofMachine, ...(here ? ofSwarm : [])].map((check) => attempt(check, patient)));
  return {
    clockMs: nowMs(),
    looked: [...done.flatMap(({ looked }) => looked), ...lasting.looked],
    findings: [...done.flatMap(({ findings }) => findings), ...lasting.findings],
    unable: [...done.flatMap(({ unable }) => unable), ...lasting.unable],
  };
}

async function attempt({ about, look }: Check, patient: Patient): Promise<Examination> {
  try {
    const findings: readonly Finding[] = await look(patient);
    return { looked: [about], findings, unable: [] };
  } catch (error) {
    return { looked: [], findings: [], unable: [{ where: about, why: describe(error) }] };
  }
}

const inNoSwarm = {
  ...{ mesh: emptyMesh(''), node: '', sandboxes: [], overlays: [], places: new Map() },
  nameOf: (node: string) => node,
} as const;
