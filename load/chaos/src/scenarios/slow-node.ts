import type { Scenario } from '../scenario.ts';

const stoppedMs = 2_000;

export const slowNode: Scenario = {
  name: 'slow-node',
  says: 'all that runs on a worker but its containers stands still for 2 s',
  of: 'swarm',
  async happen(stage) {
    const { name } = stage.worker();
    const processes = stage.cluster.processes.filter((one) => one.name === name || one.name.startsWith(`${name}.`));
    stage.strike(`${processes.map((one) => one.name).join(', ')} stand still`);
    for (const process of processes) process.signal('SIGSTOP');
    try {
      await stage.pause(stoppedMs);
    } finally {
      for (const process of processes) process.signal('SIGCONT');
    }
  },
};
