import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter } from 'node:path';
import type { Cluster } from '@fairway/cluster';

function environment(cluster: Cluster): NodeJS.ProcessEnv {
  const { nodes } = cluster;
  return {
    ...process.env,
    NODES: nodes.map((node) => node.address).join(' '),
    NAMESPACES: nodes.map((node) => node.namespace).join(' '),
    SOCKETS: nodes.map((node) => node.socket).join(' '),
    DOCKER_HOST: `unix://${cluster.manager.socket}`,
    CONSOLE: cluster.consoleUrl,
    PATH: [cluster.binDir, process.env.PATH].join(delimiter),
  };
}

/**
 * Runs a command where an outside client is and returns its status, 128 + the number of the signal that ended it. When
 * the signal is aborted, the command is told to end (SIGTERM).
 */
export function runOnce(cluster: Cluster, command: string, signal: AbortSignal): Promise<number> {
  const [program = '', ...args] = cluster.clientArgv(command);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: environment(cluster) });
    const end = () => child.kill('SIGTERM');
    signal.addEventListener('abort', end, { once: true });
    child.on('error', reject);
    child.on('exit', (status, endedBy) => {
      signal.removeEventListener('abort', end);
      resolve(status ?? 128 + (endedBy ? constants.signals[endedBy] : 0));
    });
  });
}
