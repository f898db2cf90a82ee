import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { NetworkSandbox } from './kernel.ts';
import type { PeerAnswer, PeerRequest } from './lab-peer.ts';

const execFileDone = promisify(execFile);

/** For kernel tests: a node as Docker makes it, in namespaces of its own. Needs root. */
export type Lab = {
  /** Stands for `/var/run/docker/netns`: `ingress_sbox` is mounted in it, and `balancer`, by the name that follows. */
  readonly netnsDir: string;
  readonly networkSandbox: NetworkSandbox;
  readonly hostNamespace: string;
  /** Runs a shell line in a namespace and gives what it prints. */
  run(where: Place, line: string): Promise<string>;
  /** Starts a program there that listens and calls. */
  peer(where: Place): Promise<Peer>;
  /** Makes a file the namespace of a place, as Docker does, and gives it back. */
  mount(place: Place, file: string): Promise<void>;
  unmount(file: string): Promise<void>;
  /** Puts a new, empty namespace in the sandbox's place, as Docker does on a new ingress network. */
  replaceSandbox(): Promise<void>;
  /** Takes the sandbox's file and namespace away. */
  removeSandbox(): Promise<void>;
  close(): Promise<void>;
};

const places = ['client', 'host', 'neighbour', 'sandbox', 'balancer', 'overlay', 'task5', 'task6', 'task7'] as const;
type Place = (typeof places)[number];
const networkSandbox = 'lb_back00000';

export type Peer = {
  ask(request: Extract<PeerRequest, { do: 'call' }>): Promise<PeerAnswer>;
  ask(request: PeerRequest): Promise<string>;
};

/**
 * The nodes' rules as dockerd writes them, as far as they decide about packets to sandboxes. Without br_netfilter's
 * calls: with them, bridged packets pass the NAT too, and a container that calls its own node is served without a rule.
 */
const dockersRules = `
  iptables -t nat -N DOCKER
  iptables -N DOCKER-USER
  iptables -P FORWARD DROP
  iptables -A FORWARD -j DOCKER-USER
  iptables -A FORWARD -i docker_gwbridge -o docker_gwbridge -j DROP
  iptables -A DOCKER-USER -j RETURN
  sysctl -qw net.ipv4.ip_forward=1
  if [ -e /proc/sys/net/bridge ]; then sysctl -qw net.bridge.bridge-nf-call-iptables=0; fi
`;

/** Addresses as in the plan on top of the tests. @param label tells the namespaces of one test file from another's */
export async function openLab(label: string): Promise<Lab> {
  const name = (place: Place) => `ftest-${label}-${place}`;
  const netnsDir = await mkdtemp(`/run/ftest-${label}-`);
  const sandboxFile = join(netnsDir, 'ingress_sbox');
  const peers: ChildProcess[] = [];
  const shell = async (script: string) => (await execFileDone('sh', ['-ec', script])).stdout;
  const remove = places.map((place) => `ip netns del ${name(place)} 2>/dev/null || true`).join('\n');
  const task = (place: Place, address: string) => `
    ip -n ${name(place)} link add eth0 type veth peer name ${place} netns ${name('overlay')}
    ip -n ${name('overlay')} link set ${place} master br0 up
    ip -n ${name(place)} addr add ${address}/24 dev eth0
    ip -n ${name(place)} link set eth0 up`;
  const bridged = (place: Place, address: string) => `
    ip -n ${name(place)} link add eth1 type veth peer name ${place} netns ${name('host')}
    ip -n ${name('host')} link set ${place} master docker_gwbridge up
    ip -n ${name(place)} addr add ${address}/16 dev eth1
    ip -n ${name(place)} link set eth1 up
    ip -n ${name(place)} route add default via 172.18.0.1`;

  await shell(`
    ${remove}
    ${places.map((place) => `ip netns add ${name(place)}; ip -n ${name(place)} link set lo up`).join('\n')}
    ip -n ${name('client')} link add eth0 type veth peer name eth0 netns ${name('host')}
    ip -n ${name('client')} addr add 10.99.0.1/24 dev eth0
    ip -n ${name('client')} link set eth0 up
    ip -n ${name('host')} addr add 10.99.0.11/24 dev eth0
    ip -n ${name('host')} link set eth0 up
    ip -n ${name('host')} link add docker_gwbridge type bridge
    ip -n ${name('host')} addr add 172.18.0.1/16 dev docker_gwbridge
    ip -n ${name('host')} link set docker_gwbridge up
    ip netns exec ${name('host')} sh -ec '${dockersRules}'
    ip -n ${name('overlay')} link add br0 type bridge
    ip -n ${name('overlay')} link set br0 up
    ${bridged('sandbox', '172.18.0.2')}
    ${bridged('neighbour', '172.18.0.3')}
    ${task('sandbox', '10.0.0.2')}
    ${task('balancer', '10.0.0.4')}
    ${task('task5', '10.0.0.5')}
    ${task('task6', '10.0.0.6')}
    ${task('task7', '10.0.0.7')}
    ip netns exec ${name('sandbox')} sysctl -qw net.ipv4.ip_forward=1
  `).catch(async (error) => {
    await shell(remove);
    await rm(netnsDir, { recursive: true });
    throw error;
  });
  const mount = async (place: Place, file: string) => {
    await writeFile(file, '');
    await shell(`mount --bind /run/netns/${name(place)} ${file}`);
  };
  const unmount = async (file: string) => {
    await shell(`umount ${file} 2>/dev/null || true`);
    await rm(file, { force: true });
  };
  await mount('sandbox', sandboxFile);
  await mount('balancer', join(netnsDir, networkSandbox));

  return {
    netnsDir,
    networkSandbox,
    hostNamespace: `/run/netns/${name('host')}`,
    async run(where, line) {
      const { stdout } = await execFileDone('nsenter', [`--net=/run/netns/${name(where)}`, '--', 'sh', '-ec', line]);
      return stdout;
    },
    async peer(where) {
      const program = fileURLToPath(new URL('./lab-peer.ts', import.meta.url));
      const args = [`--net=/run/netns/${name(where)}`, '--', process.execPath, program];
      const child = spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] });
      peers.push(child);
      return peerOf(child, createInterface({ input: child.stdout }));
    },
    mount,
    unmount,
    async replaceSandbox() {
      await unmount(sandboxFile);
      const sandbox = name('sandbox');
      await shell(
        `ip netns del ${sandbox} 2>/dev/null || true; ip netns add ${sandbox}; ip -n ${sandbox} link set lo up`,
      );
      await mount('sandbox', sandboxFile);
    },
    async removeSandbox() {
      await unmount(sandboxFile);
      await shell(`ip netns del ${name('sandbox')}`);
    },
    async close() {
      for (const peer of peers) peer.kill('SIGKILL');
      for (const file of [sandboxFile, join(netnsDir, networkSandbox)]) await unmount(file);
      await shell(remove);
      await rm(netnsDir, { recursive: true, force: true });
    },
  };
}

function peerOf(child: ChildProcess, lines: Interface): Peer {
  const waiting: PromiseWithResolvers<never>[] = [];
  lines.on('line', (line) => waiting.shift()?.resolve(JSON.parse(line) as never));
  child.on('exit', (status) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`the peer ended with status ${status}`));
  });
  return {
    ask(request: PeerRequest): Promise<never> {
      const answer = Promise.withResolvers<never>();
      waiting.push(answer);
      child.stdin?.write(`${JSON.stringify(request)}\n`);
      return answer.promise;
    },
  };
}
