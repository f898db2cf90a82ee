import { type Cluster, imageName, run, until } from '@fairway/cluster';

/** The sample service: one task, on a worker where there is one, so that most nodes answer for another. */
export const whoamiPort = 8000;

/** With an engine that is slow to pull in vain, a task takes some seconds to start; all else is far below a second. */
const answerLimitMs = 60_000;

export async function deployWhoami(cluster: Cluster): Promise<void> {
  const constraint = cluster.nodes.length > 1 ? ['--constraint', 'node.role==worker'] : [];
  await run([
    ...['docker', '-H', `unix://${cluster.manager.socket}`, 'service', 'create', '--no-resolve-image', '--detach'],
    ...['--name', 'whoami', '--publish', `${whoamiPort}:${whoamiPort}`, ...constraint, imageName],
  ]);
}

/** Waits until whoami's task runs. Throws WaitedInVain. */
export async function whoamiRuns(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ service: ['whoami'] }));
  await until(
    "whoami's task to run",
    async () => {
      const tasks = (await cluster.manager.engine.get(`/tasks?filters=${filters}`)) as {
        Status: { State: string; Err?: string };
      }[];
      const states = tasks.map(({ Status }) => `${Status.State}${Status.Err ? ` (${Status.Err})` : ''}`);
      return states.includes('running') || `its tasks are: ${states.join(', ') || 'none yet'}`;
    },
    { limitMs: answerLimitMs, signal },
  );
}

/** Waits until whoami answers an outside client on every node. Throws WaitedInVain, which names the nodes that do not. */
export async function whoamiAnswers(cluster: Cluster, signal: AbortSignal): Promise<void> {
  await until(
    `port ${whoamiPort} to answer on every node`,
    async () => {
      const refusals = await Promise.all(
        cluster.nodes.map(async ({ name, address }) => {
          const answer = await cluster.client.exec(['curl', '-sS', '-m', '2', `http://${address}:${whoamiPort}`]);
          return answer.stdout.startsWith("I'm ") ? [] : [`${name}: ${answer.stderr.trim() || answer.stdout.trim()}`];
        }),
      );
      const refused = refusals.flat();
      return refused.length === 0 || refused.join('; ');
    },
    { limitMs: answerLimitMs, everyMs: 100, signal },
  );
}
