import type { Engine } from './engine.ts';
import type { NodeRecord } from './state.ts';
import { until, WaitedInVain } from './wait.ts';

/** What is read of Docker's answer to GET /nodes (Engine API 1.41). */
interface SwarmNode {
  ID: string;
  Description?: { Hostname?: string };
  Status?: { State?: string };
}

/** Makes a swarm of one manager and returns its node id. */
export async function initSwarm(engine: Engine, address: string): Promise<string> {
  return (await engine.post('/swarm/init', {
    ListenAddr: `${address}:2377`,
    AdvertiseAddr: address,
  })) as string;
}

export async function workerToken(manager: Engine): Promise<string> {
  const swarm = (await manager.get('/swarm')) as { JoinTokens: { Worker: string } };
  return swarm.JoinTokens.Worker;
}

/** Joins as a worker and returns the node's id. */
export async function joinSwarm(engine: Engine, node: Pick<NodeRecord, 'address'>, manager: string, token: string) {
  await engine.post('/swarm/join', {
    ListenAddr: `${node.address}:2377`,
    AdvertiseAddr: node.address,
    RemoteAddrs: [`${manager}:2377`],
    JoinToken: token,
  });
  const info = (await engine.get('/info')) as { Swarm: { NodeID: string } };
  return info.Swarm.NodeID;
}

async function nodeState(manager: Engine, id: string): Promise<string> {
  const nodes = (await manager.get('/nodes')) as SwarmNode[];
  return nodes.find((node) => node.ID === id)?.Status?.State ?? 'unknown to the manager';
}

/** So long a node that boots is given to be called ready before it is taken for held as down. */
const heldDownMs = 20_000;

/** Waits until the manager calls a node ready. */
export async function nodeReady(manager: Engine, id: string, signal?: AbortSignal, limitMs = 60_000): Promise<void> {
  await until(
    `node ${id} to be ready`,
    async () => {
      const state = await nodeState(manager, id);
      return state === 'ready' || `it is ${state}`;
    },
    { limitMs, signal },
  );
}

/**
 * Waits until a node that boots again is back in its swarm, by its own word and then by the manager's. Where the manager
 * goes on calling it down, `restart` is to start its dockerd again. Seen of a node whose manager had logged that it
 * registered, a second after its last heartbeat ran out; moby/moby#34827 tells of others. In swarmkit's
 * manager/dispatcher/dispatcher.go a registering node's state is written before `nodes.Add` ends the wait for its last
 * life's heartbeat, whose end writes `down`; no heartbeat after that writes another state.
 */
export async function nodeBack(
  manager: Engine,
  engine: Engine,
  id: string,
  restart: () => Promise<void>,
): Promise<void> {
  await selfActive(engine, id);
  try {
    await nodeReady(manager, id, undefined, heldDownMs);
  } catch (error) {
    if (!(error instanceof WaitedInVain)) throw error;
    await restart();
    await selfActive(engine, id);
    await nodeReady(manager, id);
  }
}

async function selfActive(engine: Engine, id: string): Promise<void> {
  await until(
    `node ${id} to be back in its swarm`,
    async () => {
      const { Swarm } = (await engine.get('/info')) as { Swarm: { LocalNodeState: string } };
      return Swarm.LocalNodeState === 'active' || `it calls itself ${Swarm.LocalNodeState}`;
    },
    { limitMs: 60_000 },
  );
}

/**
 * Leaves in order: the node stops its tasks and says goodbye, and the manager forgets it. By force, because otherwise
 * the manager only does so when it calls the node down, which takes it three missed heartbeats, 15 s.
 */
export async function leaveSwarm(manager: Engine, engine: Engine, id: string): Promise<void> {
  await engine.post('/swarm/leave');
  await manager.delete(`/nodes/${id}?force=true`);
}
