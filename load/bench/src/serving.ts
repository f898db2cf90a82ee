import { type Cluster, until } from '@fairway/cluster';

/** How many tasks of a service the console calls serving; undefined where it has no such service. */
export async function serving(cluster: Cluster, service: string): Promise<number | undefined> {
  const view = JSON.parse(await cluster.status()) as { services: { name: string; serving: number }[] };
  return view.services.find(({ name }) => name === service)?.serving;
}

/** Waits until so many tasks of a service serve. */
export async function untilServing(
  cluster: Cluster,
  service: string,
  tasks: number,
  limits: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<void> {
  await until(
    `${tasks} tasks of ${service} to serve`,
    async () => {
      const count = await serving(cluster, service);
      return count === tasks || `${count} serve`;
    },
    { everyMs: 100, ...limits },
  );
}
