import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { trySeed, type Verdict } from './try-story.ts';

type Order = { readonly steps: number };

const youngMb = 64;

/**
 * Tries seeds on all cores. `onVerdict` is told of each as it is done, in whatever order; it answers whether to go on.
 * Resolves when all are done, or none is to follow.
 */
export async function trySeeds(
  first: number,
  last: number,
  steps: number,
  onVerdict: (verdict: Verdict) => boolean,
): Promise<void> {
  let next = first;
  let going = true;
  const order: Order = { steps };
  const threads = Math.min(availableParallelism(), last - first + 1);
  const work = () =>
    new Promise<void>((resolve, reject) => {
      // Most of what a run makes is of no use a moment later: with room for it the collector has less to copy.
      const resourceLimits = { maxYoungGenerationSizeMb: youngMb };
      const worker = new Worker(new URL(import.meta.url), { workerData: order, resourceLimits });
      const feed = () => {
        if (!going || next > last) return void worker.terminate().then(() => resolve());
        worker.postMessage(next++);
      };
      worker.on('message', (verdict: Verdict) => {
        going = onVerdict(verdict) && going;
        feed();
      });
      worker.on('error', reject);
      feed();
    });
  await Promise.all(Array.from({ length: threads }, work));
}

if (!isMainThread) {
  const { steps } = workerData as Order;
  parentPort?.on('message', async (seed: number) => parentPort?.postMessage(await trySeed(seed, steps)));
}
