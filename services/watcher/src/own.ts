import type { Address, Incarnation, WatchedFacts } from '@fairway/mesh';
import type { ContainerLife } from './translate-container.ts';

/**
 * What a watcher tells the executor in its own process, at once and before the bus:
 * - `identity`: which node of which swarm this is, and in which incarnation. Again after each start of dockerd.
 * - `sandbox`: the ingress sandbox's addresses, on docker_gwbridge and on the ingress network; absent when there is none.
 * - `container`: how the container of one of its own tasks is; `container` is empty where Docker no longer has one.
 * - `left`: this machine is in no swarm any more.
 * - `forgotten`: neither Docker nor the mesh has the task any more.
 * - `released`: these tasks of a service Swarm wants no more, be they other nodes'; told by managers, each time in the place of
 *   those before.
 */
export type OwnChange =
  | { readonly kind: 'identity'; readonly node: string; readonly swarm?: string; readonly incarnation: Incarnation }
  | { readonly kind: 'left' }
  | { readonly kind: 'sandbox'; readonly gateway?: Address; readonly sandbox?: Address }
  | {
      readonly kind: 'container';
      readonly task: string;
      readonly service: string;
      readonly container: string;
      readonly state: ContainerLife;
      readonly tick: number;
      /** Traceparent of the event, which the bus is told of next; absent where a listing says it. */
      readonly trace?: string;
    }
  | { readonly kind: 'forgotten'; readonly task: string }
  | {
      readonly kind: 'released';
      readonly service: string;
      /** Each with its `Version.Index`. */
      readonly tasks: ReadonlyMap<string, number>;
    };

/** All that the changes so far come to; absent before Docker was reached. */
export type Own = WatchedFacts & { readonly incarnation: Incarnation; readonly swarm?: string };

/** Own facts with one more change. Containers of another node than before are forgotten: it joined another swarm. */
export function withChange(own: Own | undefined, change: OwnChange): Own | undefined {
  switch (change.kind) {
    case 'identity': {
      const { kind: _, ...identity } = change;
      const same = own?.node === change.node ? own : undefined;
      return {
        containers: same?.containers ?? new Map(),
        ...(same?.gateway ? { gateway: same.gateway } : {}),
        ...(same?.sandbox ? { sandbox: same.sandbox } : {}),
        ...identity,
      };
    }
    case 'left':
      return undefined;
    case 'released':
      return own;
    case 'sandbox': {
      if (!own) return undefined;
      const { gateway: _, sandbox: __, ...rest } = own;
      const { kind: ___, ...addresses } = change;
      return { ...rest, ...addresses };
    }
    case 'container': {
      if (!own) return undefined;
      const containers = new Map(own.containers);
      containers.set(change.task, { state: change.state, tick: change.tick });
      return { ...own, containers };
    }
    case 'forgotten': {
      if (!own) return undefined;
      return { ...own, containers: new Map([...own.containers].filter(([task]) => task !== change.task)) };
    }
  }
}
