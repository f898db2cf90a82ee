import { once } from 'node:events';
import { type Cluster, fairwayConverged, keepLogs, startCluster, WaitedInVain } from '@fairway/cluster';
import { ArgumentsInvalid, type DevArguments, parseArguments, usage } from './arguments.ts';
import { Interrupted, interruption } from './interruption.ts';
import { runOnce } from './once.ts';
import { Progress } from './progress.ts';
import { apiAnswers, backNetwork, deploySamples, samplesRun, webPort, whoamiAnswers, whoamiPort } from './ready.ts';
import { commandsToTry } from './try.ts';

const progress = new Progress();

async function makeReady(cluster: Cluster, asked: DevArguments, signal: AbortSignal): Promise<void> {
  if (asked.fairway) {
    await fairwayConverged(cluster, { limitMs: 60_000, signal });
    progress.step('Fairway is up on every node');
  }
  if (asked.bare) return;
  await deploySamples(cluster);
  await samplesRun(cluster, signal);
  progress.step(
    `whoami runs, published at ${whoamiPort}; web, published at ${webPort}, and api on network ${backNetwork}`,
  );
  if (!asked.fairway) return;
  await whoamiAnswers(cluster, signal);
  await apiAnswers(cluster, signal);
  await fairwayConverged(cluster, { limitMs: 60_000, signal });
  const nodes = cluster.nodes.length;
  const where = nodes === 1 ? 'on the one node' : `on all ${nodes} nodes`;
  progress.step(`whoami answers ${where}, and api answers web`);
}

function showFailure(cluster: Cluster, error: unknown): void {
  if (!(error instanceof WaitedInVain)) return;
  for (const part of cluster.processes) {
    process.stderr.write(`\n--- ${part.name}${part.isAlive ? '' : ' (ended)'}, last lines:\n${part.log(12)}\n`);
  }
  process.stderr.write(`\nAll logs are kept in ${keepLogs(cluster.name)}\n\n`);
}

/** What is done with a cluster that answers: the command's status, or the wait for the end. */
async function use(cluster: Cluster, asked: DevArguments, signal: AbortSignal): Promise<number> {
  const envFile = cluster.writeShortcuts();
  if (asked.once !== undefined) return runOnce(cluster, asked.once, signal);
  process.stdout.write(`\n${commandsToTry(cluster, envFile, !asked.bare, asked.fairway)}\nCtrl-C removes all of it.\n`);
  // A listener alone does not keep the process: this does.
  const stay = setInterval(() => {}, 2 ** 31 - 1);
  if (!signal.aborted) await once(signal, 'abort');
  clearInterval(stay);
  return 0;
}

async function main(): Promise<number> {
  const asked = parseArguments(process.argv.slice(2));
  if (asked.help) {
    process.stdout.write(usage);
    return 0;
  }
  const signal = interruption();
  const { nodes, fairway, bus } = asked;
  const cluster = await startCluster({ name: 'dev', nodes, fairway, bus, report: progress.step, signal });
  try {
    await makeReady(cluster, asked, signal);
    return await use(cluster, asked, signal);
  } catch (error) {
    showFailure(cluster, error);
    throw error;
  } finally {
    progress.step('removing the cluster');
    await cluster.stop();
    progress.step('teardown complete');
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof Interrupted) {
    process.stderr.write(`${error.message}, nothing is left\n`);
    process.exitCode = error.status;
  } else {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = error instanceof ArgumentsInvalid ? 2 : 1;
  }
}
// What an aborted start left pending (a request to a dockerd that is gone) must not hold the process up.
process.exit();
