import type { Cluster } from './cluster.ts';
import { until, type WaitOptions } from './wait.ts';

/**
 * Waits until the console says `converged: true`: every node has in its kernel what is wanted now. Throws WaitedInVain,
 * which names the processes that ended meanwhile.
 */
export async function fairwayConverged(cluster: Cluster, options: WaitOptions): Promise<void> {
  await until(
    'Fairway to be converged on every node',
    async () => {
      const ended = cluster.processes.filter((one) => !one.isAlive).map((one) => one.name);
      if (ended.length > 0) return `these ended: ${ended.join(', ')}`;
      const said = await cluster.status();
      const { converged } = JSON.parse(said) as { converged?: boolean };
      return converged === true || `not converged: ${said.slice(0, 500)}`;
    },
    // A look is a process.
    { everyMs: 200, ...options },
  );
}
