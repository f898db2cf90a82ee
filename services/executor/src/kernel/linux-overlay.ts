import { join } from 'node:path';
import { type Network, parseAddress, sandboxOf } from '@fairway/mesh';
import { renderDrop, renderPut, type WayLines } from '../rules/render-ways.ts';
import type { Words } from '../rules/words.ts';
import { echoes } from './echo.ts';
import type { Kernel } from './kernel.ts';
import { listWays, overlayNamespace, parseKeys, parseNeighbours, parseWays, type Way } from './overlay.ts';
import { isNamespace } from './sandbox.ts';

type Run = (command: string, args: readonly string[], input?: Words) => Promise<string>;

type Options = {
  /** Folder of Docker's network namespaces. */
  readonly netnsDir: string;
  /** Runs a program. */
  readonly run: Run;
  /** The same in the host's network. */
  readonly onHost: Run;
};

/** Nobody waits for this answer, and a node is not to be taken for one that does not answer because it or this one is slow. */
const patiently = { times: 1, waitMs: 500, startMs: 10_000 };

/** A node has its sandbox and its tasks at addresses of its own; of those that answer no echo there are fewer. */
const othersMax = 8;

/** This node's part of Docker's overlay networks, in the namespaces that Docker has for them. */
export function linuxOverlay({
  netnsDir,
  run,
  onHost,
}: Options): Pick<Kernel, 'reached' | 'ways' | 'putWays' | 'setWays' | 'dropWays' | 'answers' | 'nodeAnswers'> {
  /** By network and node, which of the addresses answered that are asked where the one that is asked about does not. */
  const answering = new Map<string, string>();
  const isEchoing = async (network: Pick<Network, 'id' | 'ingress'>, text: string): Promise<boolean> => {
    const address = parseAddress(text);
    return address !== undefined && (await echoes(join(netnsDir, sandboxOf(network)), address, patiently));
  };

  /** Runs a command in a network's overlay; undefined where the node has none. */
  const runInOverlay = async (
    { id }: Pick<Network, 'id'>,
    command: readonly string[],
    input?: Words,
  ): Promise<string | undefined> => {
    const file = await overlayNamespace(netnsDir, id);
    // Docker makes the file first and mounts the namespace on it then.
    if (!file || !(await isNamespace(join(netnsDir, file)))) return undefined;
    return run('nsenter', [`--net=${join(netnsDir, file)}`, '--', ...command], input);
  };

  const waysOf: Kernel['ways'] = async (network) => {
    const listed = await runInOverlay(network, listWays);
    const ways = listed === undefined ? undefined : parseWays(listed);
    if (!ways || !network.encrypted) return ways;
    // Docker's own rule on the host drops what would leave an encrypted network in the clear.
    const keys = parseKeys(await onHost('ip', ['xfrm', 'state']));
    return new Map([...ways].filter(([, { node }]) => keys.has(node)));
  };

  /** Changes those of the ways that are, by a look just before, as they have to be: Docker goes on changing them. */
  const changeWays = async (
    network: Pick<Network, 'id'>,
    ways: ReadonlyMap<string, Way>,
    isDue: (held: Omit<Way, 'node'> | undefined) => boolean,
    render: (ways: ReadonlyMap<string, Way>) => WayLines,
  ): Promise<void> => {
    const held = parseNeighbours((await runInOverlay(network, listWays)) ?? '');
    const { ip, bridge } = render(new Map([...ways].filter(([address]) => isDue(held.get(address)))));
    if (ip === '') return;
    // Neighbours last: whoever has none is looked at again. The one that fails ends its batch (iproute2 6.1), and not the other.
    try {
      await runInOverlay(network, ['bridge', '-force', '-batch', '-'], bridge);
    } finally {
      await runInOverlay(network, ['ip', '-force', '-batch', '-'], ip);
    }
  };

  return {
    async reached(network, addresses) {
      const ways = await waysOf(network);
      return new Set(addresses.filter((address) => ways?.has(address)));
    },

    ways: waysOf,
    putWays: (network, ways) => changeWays(network, ways, (held) => held === undefined, renderPut),
    setWays: (network, ways) => changeWays(network, ways, () => true, renderPut),
    dropWays: (network, ways) => changeWays(network, ways, (held) => held?.isOwn === true, renderDrop),

    answers: isEchoing,

    async nodeAnswers(network, address) {
      const ways = await waysOf(network);
      const node = ways?.get(address)?.node;
      if (!ways || node === undefined) return false;
      const others = [...ways].flatMap(([other, way]) => (way.node === node && other !== address ? [other] : []));
      if (await isEchoing(network, address)) return true;
      const key = `${network.id} ${node}`;
      const before = answering.get(key);
      const inTurn = shuffled(others).sort((a, b) => Number(b === before) - Number(a === before));
      const asked = inTurn.slice(0, othersMax);
      // From here not every one of them can be sent to: a network may have subnets that this sandbox is not on.
      const answers = await Promise.all(asked.map((other) => isEchoing(network, other).catch(() => false)));
      const answered = asked[answers.indexOf(true)];
      if (answered === undefined) answering.delete(key);
      else answering.set(key, answered);
      return answered !== undefined;
    },
  };
}

/** So that each comes to its turn where not all can be asked. */
function shuffled(addresses: readonly string[]): string[] {
  return addresses
    .map((address) => ({ address, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ address }) => address);
}
