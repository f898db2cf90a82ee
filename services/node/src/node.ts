import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beatMsMax, beatMsMin, type ConnectOptions, connectBusLater, deadLetter, realClock } from '@fairway/bus';
import {
  audit,
  type Balancing,
  balancerChoices,
  chooseBalancer,
  createDockerReader,
  createLinuxKernel,
  createMachine,
  doctor,
  ExecutorMeter,
  Handover,
  type IpvsTimeouts,
  ipvsSupport,
  OnlyObserves,
  parseIpvsTimeouts,
  RulesLeft,
  rulesLeft,
  startAnswers,
} from '@fairway/executor';
import { hash32 } from '@fairway/mesh';
import { describe, type Log, type Tracer } from '@fairway/telemetry';
import { connectDocker, serviceInDocker } from '@fairway/watcher';
import type { Registry } from 'prom-client';
import { registerConntrack } from './conntrack-gauges.ts';
import { BeatInvalid, RequirementsMissing, TimeoutsInvalid, UnknownBalancer, UnknownDockerHost } from './failures.ts';
import type { HeartOf } from './heart.ts';
import { HeartInThread } from './heart-in-thread.ts';
import { joinNode } from './join.ts';
import { OwnFile } from './own-file.ts';
import { swarmMembership } from './swarm-membership.ts';

type Options = {
  readonly log: Log;
  readonly tracer: Tracer;
  /** What it counts is told by. */
  readonly registry: Registry;
  /** Where it is, and who this node is there. */
  readonly bus: Pick<ConnectOptions, 'servers' | 'credentials'>;
  /** `unix:///path`. */
  readonly dockerHost: string;
  /** Path of swarmkit's socket, which managers have. */
  readonly swarmkit: string;
  /** `auto`, `ipvs` or `nftables`. */
  readonly balancer: string;
  /** Whether IPVS that is asked for and missing is an end. */
  readonly strict: boolean;
  /** Whether nothing is routed on this node, and nothing changed. */
  readonly observes: boolean;
  /** Whether ways that Docker's gossip took away from an overlay with a node that is there are put back. */
  readonly repairsOverlays: boolean;
  /** `kernel`, or seconds as `900,120,300`. */
  readonly ipvsTimeouts: string;
  readonly netnsDir: string;
  readonly stateDir: string;
  /** Milliseconds. */
  readonly beatMs: string;
};

/**
 * Starts watcher and executor side by side, on one copy of the mesh: what the watcher sees of this node reaches the
 * executor in memory first and the bus second. Returns what stops them; the rules stay in the kernel.
 *
 * @throws {TimeoutsInvalid} when they are no three numbers.
 * @throws {BeatInvalid} when it is no number that a beat may have.
 * @throws {UnknownBalancer} and {IpvsMissing} when what is to balance is unknown, or strictly asked for and missing.
 * @throws {RulesLeft} when it is only to observe, and rules of Fairway's are there.
 * @throws {RequirementsMissing} when the machine lacks a program or the process a capability.
 */
export async function startNode({
  log,
  tracer,
  registry,
  bus: address,
  dockerHost,
  swarmkit,
  balancer: asked,
  strict,
  observes,
  repairsOverlays,
  ipvsTimeouts: timeouts,
  netnsDir,
  stateDir,
  beatMs: beat,
}: Options): Promise<() => Promise<void>> {
  const ipvsTimeouts = readTimeouts(timeouts);
  const everyMs = readBeat(beat);
  const { balancer, schedulers, instead, because } = await balancing(observes ? 'nftables' : asked, strict);
  if (instead !== undefined) log.warn(instead);
  const kernel = createLinuxKernel({ netnsDir, balancer, schedulers, ...(ipvsTimeouts ? { ipvsTimeouts } : {}) });
  const left = observes ? await rulesLeft(kernel) : [];
  if (left.length > 0) throw new RulesLeft(left);
  if (observes) log.info('this node only observes: Fairway routes nothing here and changes nothing');
  else log.info('what balances here', { balancer, schedulers: [...schedulers].join(', '), because });
  // What an observer cannot look at for want of a program it tells as that.
  const missing = observes ? [] : await kernel.requirements();
  if (missing.length > 0) throw new RequirementsMissing(missing);

  // Who only observes has nothing that could be counted.
  const meter = observes ? undefined : new ExecutorMeter(registry);
  registerConntrack(registry);
  const docker = connectDocker({ socket: socketOf(dockerHost), swarmkit });
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const namespace = async () => (await kernel.sandboxes()).get('ingress');
  const ownFile = new OwnFile({ path: join(stateDir, 'own'), boot, namespace, log });
  const { node, swarm = node, remembered } = await swarmMembership(docker, log, await ownFile.read());
  // What the kernel and the disk hold is acted on, whether there is a bus or not.
  const bus = connectBusLater({ ...address, name: `node-${node}`, log });

  const handover = new Handover(join(stateDir, 'left-to-docker'));
  const handedOver = await handover.isRemembered();
  if (handedOver && !observes)
    log.warn('this node is left to Docker since fairway uninstall; fairway install takes it back');
  const onOwn = (own: HeartOf | undefined) => {
    answers.as(own?.node);
    heart.as(own && heartOf(own));
  };
  const joined = await joinNode({
    bus,
    docker,
    kernel: meter?.counting(kernel) ?? kernel,
    ...(meter ? { onCame: (came) => meter.came(came) } : {}),
    swarm,
    meshPath: join(stateDir, 'mesh'),
    boot,
    ownFile,
    remembered,
    log,
    tracer,
    handedOver,
    observes,
    repairsOverlays,
    onOwn,
    onWord: (word) => heart.say(word),
    onNodes: (nodes) => heart.expect(nodes),
  });
  const heart = new HeartInThread({
    ...address,
    name: `node-${node}-heart`,
    netnsDir,
    everyMs,
    log,
    onVerdict: (message) => joined.hearVerdict(message),
    onWord: (word) => joined.hearWord(word),
    onBack(server) {
      log.info('this node reached one server alone, and goes on by another: that one may not know yet what was missed');
      bus.goOnBy(server);
    },
  });
  const machine = createMachine({ netnsDir });
  const answers = startAnswers({
    bus,
    kernel,
    executor: joined.executor,
    handover: observes ? { remember: () => Promise.reject(new OnlyObserves()) } : handover,
    inDocker: (service) => serviceInDocker(docker, service),
    audit: () =>
      audit({
        kernel,
        docker: createDockerReader(machine),
        netnsDir,
        version: () => Promise.race([docker.info().then(({ version }) => version), pause(versionMaxMs, undefined)]),
        serves: () => joined.executor.planned() !== undefined,
        known: joined.known,
        clock: realClock,
      }),
    doctor: () => doctor({ machine, kernel, known: joined.known, servers: [address.servers].flat(), clock: realClock }),
  });
  if (remembered) onOwn(remembered);
  docker.onMalformed(({ name, reason, text }) => {
    log.warn('Docker answered what does not fit; it is put aside', { answer: name, reason });
    bus
      .publish(deadLetter(node, { subject: `docker ${name}`, reason }, text), `docker.${node}.${hash32(text)}`)
      .catch((error) => {
        log.warn('a dead letter could not be sent', { answer: name, reason: describe(error) });
      });
  });

  return async () => {
    await heart.stop();
    await answers.stop();
    await joined.stop();
    await bus.close();
  };
}

/** A manager without a leader takes 20 s to answer, and who asks for an audit waits for less. */
const versionMaxMs = 2_000;

/** Of what a watcher knows what a thread is to be told. */
function heartOf({ node, incarnation, sandbox }: HeartOf): HeartOf {
  return { node, incarnation, ...(sandbox ? { sandbox } : {}) };
}

function readTimeouts(text: string): IpvsTimeouts | undefined {
  if (text === 'kernel') return undefined;
  const timeouts = parseIpvsTimeouts(text);
  if (!timeouts) throw new TimeoutsInvalid(text);
  return timeouts;
}

function readBeat(text: string): number {
  const everyMs = Number(text);
  if (!Number.isInteger(everyMs) || everyMs < beatMsMin || everyMs > beatMsMax) throw new BeatInvalid(text);
  return everyMs;
}

async function balancing(asked: string, strict: boolean): Promise<Balancing> {
  const choice = balancerChoices.find((one) => one === asked);
  if (!choice) throw new UnknownBalancer(asked, balancerChoices);
  return chooseBalancer(choice, choice === 'nftables' ? undefined : await ipvsSupport(), strict);
}

function socketOf(dockerHost: string): string {
  const socket = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  if (!socket) throw new UnknownDockerHost(dockerHost);
  return socket;
}
