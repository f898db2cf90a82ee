import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Cluster } from '@fairway/cluster';

/**
 * Runs a command where an outside client is and returns its status, 128 + the number of the signal that ended it. When
 * the signal is aborted, the command is told to end (SIGTERM).
 */
export function runOnce(cluster: Cluster, command: string, signal: AbortSignal): Promise<number> {
  const [program = '', ...args] = cluster.clientArgv(command);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...cluster.environment } });
    const end = () => child.kill('SIGTERM');
    signal.addEventListener('abort', end, { once: true });
    child.on('error', reject);
    child.on('exit', (status, endedBy) => {
      signal.removeEventListener('abort', end);
      resolve(status ?? 128 + (endedBy ? constants.signals[endedBy] : 0));
    });
  });
}
