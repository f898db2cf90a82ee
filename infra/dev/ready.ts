import { type Cluster, imageName, run, until } from '@fairway/cluster';

/** The first sample service: one task, on a worker where there is one, so that most nodes answer for another. */
export const whoamiPort = 8000;

/** Two more, on an overlay network: `web` is published, and calls `api`, which is not, by its name. */
export const backNetwork = 'back';
export const webPort = 8080;
const apiTasks = 3;

/** With an engine that is slow to pull in vain, a task takes some seconds to start; all else is far below a second. */
const answerLimitMs = 60_000;

export async function deploySamples(cluster: Cluster): Promise<void> {
  const docker = (...args: readonly string[]) => run(['docker', '-H', `unix://${cluster.manager.socket}`, ...args]);
  const create = (name: string, ...options: readonly string[]) =>
    docker('service', 'create', '--no-resolve-image', '--detach', '--name', name, ...options, imageName);
  const constraint = cluster.nodes.length > 1 ? ['--constraint', 'node.role==worker'] : [];
  await create('whoami', '--publish', `${whoamiPort}:${whoamiPort}`, ...constraint);
  await docker('network', 'create', '--driver', 'overlay', '--attachable', backNetwork);
  await create('api', '--network', backNetwork, '--replicas', String(apiTasks));
  await create('web', '--network', backNetwork, '--publish', `${webPort}:${whoamiPort}`);
}

/** Waits until all tasks of the samples run. Throws WaitedInVain. */
export async function samplesRun(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const wanted = { whoami: 1, api: apiTasks, web: 1 };
  for (const [service, tasks] of Object.entries(wanted)) {
    const filters = encodeURIComponent(JSON.stringify({ service: [service] }));
    await until(
      `all of ${service} to run`,
      async () => {
        const found = (await cluster.manager.engine.get(`/tasks?filters=${filters}`)) as {
          Status: { State: string; Err?: string };
        }[];
        const states = found.map(({ Status }) => `${Status.State}${Status.Err ? ` (${Status.Err})` : ''}`);
        const running = states.filter((state) => state === 'running').length;
        return running === tasks || `its tasks are: ${states.join(', ') || 'none yet'}`;
      },
      { limitMs: answerLimitMs, signal },
    );
  }
}

/** Waits until a container of web has an answer from api, by its name. Throws WaitedInVain. */
export async function apiAnswers(cluster: Cluster, signal: AbortSignal): Promise<void> {
  await until(
    'api to answer web',
    async () => {
      const asked = await Promise.all(cluster.nodes.map((node) => node.exec(askApi(node.socket))));
      const said = asked.map(({ stdout, stderr }) => `${stdout}${stderr}`.trim()).filter((text) => text !== '');
      return said.some((text) => text.startsWith("I'm ")) || said.join('; ') || 'web has no container yet';
    },
    { limitMs: answerLimitMs, everyMs: 100, signal },
  );
}

/** Asks api from each container of web on a node; says nothing where there is none. */
function askApi(socket: string): string {
  const docker = `docker -H unix://${socket}`;
  const ask = `${docker} exec {} timeout 3 wget -q -O - http://api:${whoamiPort}/`;
  return `${docker} ps --quiet --filter label=com.docker.swarm.service.name=web | xargs -r -I {} ${ask}`;
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
