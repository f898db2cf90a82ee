import type { Scenario } from '../scenario.ts';
import { illness, type Stage, steady } from '../stage.ts';

/** A container of the steady service on some node. */
async function someContainer(
  stage: Stage,
): Promise<{ readonly on: (line: string) => Promise<string>; readonly id: string }> {
  // A node that is lost at the time has none to choose from.
  const all = await Promise.all(
    stage.nodes.map(async (node) => ({ node, ids: await stage.containers(node, steady.name).catch(() => []) })),
  );
  const found = stage.chance.pick(
    all.flatMap(({ node, ids }) => ids.map((id) => ({ on: (line: string) => stage.on(node, line), id }))),
  );
  if (!found) throw new Error(`no container of ${steady.name} runs`);
  return found;
}

export const containerKilled: Scenario = {
  name: 'container-killed',
  says: 'a container is killed in the middle of its requests',
  of: 'swarm',
  async happen(stage) {
    const { on, id } = await someContainer(stage);
    stage.strike(`container ${id.slice(0, 12)} is killed`, 500);
    await on(`docker kill ${id}`);
  },
};

export const containerOutOfMemory: Scenario = {
  name: 'container-out-of-memory',
  says: 'the kernel kills a container that takes more memory than it may',
  of: 'swarm',
  async happen(stage) {
    const { on, id } = await someContainer(stage);
    await on(`docker update --memory 16m --memory-swap 16m ${id}`);
    stage.strike(`container ${id.slice(0, 12)} runs out of memory`, 1_500);
    // The first process is the one that the kernel is to choose (proc(5), oom_score_adj). What fills the memory ends with it.
    await on(`docker exec ${id} sh -c 'echo 1000 >/proc/1/oom_score_adj; tail /dev/zero' || true`);
  },
};

export const containerSickens: Scenario = {
  name: 'container-sickens',
  says: 'a health check fails, and Swarm puts another task in the place of it',
  of: 'swarm',
  async happen(stage) {
    const { on, id } = await someContainer(stage);
    stage.strike(`container ${id.slice(0, 12)} is ill`);
    await on(`docker exec ${id} touch ${illness}`);
    await stage.until('it to end', async () => {
      const status = await on(`docker inspect --format '{{.State.Running}}' ${id} || true`);
      return status.trim() !== 'true' || 'it runs';
    });
  },
};
