import { Client, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { DockerUnavailable, type TaskChange, type TaskChanges } from './docker.ts';

const string = (id: number) => ({ type: 'string', id });
const number = (id: number) => ({ type: 'uint32', id });

/**
 * Of swarmkit's Watch API as much as is used (swarmkit api/watch.proto, api/objects.proto, api/types.proto): the numbers of
 * fields are the contract, whatever is not named here is skipped.
 */
const api = protobuf.Root.fromJSON({
  nested: {
    WatchRequest: { fields: { entries: { rule: 'repeated', type: 'WatchEntry', id: 1 } } },
    WatchEntry: { fields: { kind: string(1), action: number(2) } },
    WatchMessage: { fields: { events: { rule: 'repeated', type: 'Event', id: 1 } } },
    Event: { fields: { action: number(1), object: { type: 'Object', id: 2 } } },
    Object: { fields: { task: { type: 'Task', id: 4 } } },
    Task: {
      fields: {
        id: string(1),
        serviceId: string(4),
        status: { type: 'TaskStatus', id: 9 },
        desiredState: number(10),
      },
    },
    TaskStatus: { fields: { state: number(2) } },
  },
});

/**
 * The socket speaks TLS with the manager's certificate, of the swarm's own authority; who may open it is root on this machine.
 * Swarmkit's own client does not verify it either (swarmkit node/node.go, `initManagerConnection`).
 */
const unverified = credentials.createSsl(null, null, null, { rejectUnauthorized: false });

const method = '/docker.swarmkit.v1.Watch/Watch';
/** `WatchActionKind`: create, update, remove. */
const anyAction = 1 | 2 | 4;
const removal = 4;
/** `TaskState`: above it a task has ended, or is told to. */
const running = 512;

type Task = {
  readonly id?: string;
  readonly serviceId?: string;
  readonly desiredState?: number;
  readonly status?: { readonly state?: number };
};
type WatchMessage = {
  readonly events?: readonly { readonly action?: number; readonly object?: { readonly task?: Task } }[];
};

/**
 * What Swarm decides of tasks, as it decides it: Docker has no events for that, and a task that is told to stop has 2 s until
 * its process hears of it (moby daemon/cluster/executor/container/controller.go, `defaultGossipConvergeDelay`).
 *
 * Iterating throws {DockerUnavailable} when it cannot be opened, or is lost.
 */
export function watchTasks(socket: string): TaskChanges {
  const client = new Client(`unix://${socket}`, unverified, { 'grpc.ssl_target_name_override': 'swarm-manager' });
  const [request, message] = [api.lookupType('WatchRequest'), api.lookupType('WatchMessage')];
  const call = client.makeServerStreamRequest<object, WatchMessage>(
    method,
    (asked) => Buffer.from(request.encode(asked).finish()),
    (bytes) => message.decode(bytes) as unknown as WatchMessage,
    { entries: [{ kind: 'task', action: anyAction }] },
  );
  // Also where it is stopped before anybody iterates, as no error of a stream may go unheard.
  call.on('error', () => {});
  let stopped = false;
  let watching = false;
  const known = new Map<string, string>();
  return {
    stop() {
      stopped = true;
      call.cancel();
      client.close();
    },
    async *[Symbol.asyncIterator]() {
      try {
        for await (const { events = [] } of call as AsyncIterable<WatchMessage>) {
          // Swarmkit's first message is empty, and says that it is there.
          if (!watching) yield 'watching';
          watching = true;
          for (const { action = 0, object } of events) {
            const change = changeOf(known, action, object?.task);
            if (change) yield change;
          }
        }
      } catch (cause) {
        if (stopped) return;
        throw new DockerUnavailable(`watch tasks at ${socket}`, { cause });
      } finally {
        client.close();
      }
      if (!stopped) throw new DockerUnavailable(`watch tasks at ${socket}: the stream ended`);
    },
  };
}

/** A task's states between being assigned and running are nobody's concern: of what says nothing new there is no change. */
function changeOf(known: Map<string, string>, action: number, task: Task | undefined): TaskChange | undefined {
  const { id, serviceId, desiredState = 0, status } = task ?? {};
  if (!id || !serviceId) return undefined;
  const state = status?.state ?? 0;
  const now = action === removal ? 'gone' : `${desiredState > running} ${Math.sign(state - running)}`;
  if (known.get(id) === now) return undefined;
  if (action === removal) known.delete(id);
  else known.set(id, now);
  return { task: id, service: serviceId };
}
