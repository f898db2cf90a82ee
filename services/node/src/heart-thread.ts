import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { type ConnectOptions, connectEach, type Message, realClock, shutMs } from '@fairway/bus';
import { echoes } from '@fairway/executor/echo';
import type { Address, Sight, Word } from '@fairway/mesh';
import { createLog, describe } from '@fairway/telemetry';
import { type HeartOf, startHeart } from './heart.ts';

/** What the thread is given. */
export type HeartSettings = {
  readonly servers: ConnectOptions['servers'];
  readonly credentials?: string;
  /** How the servers show its connections. */
  readonly name: string;
  readonly netnsDir: string;
  readonly everyMs: number;
};
/** What it is told from then on, and what it tells. */
export type ToHeart =
  | { readonly as: HeartOf | undefined }
  | { readonly say: Word }
  | { readonly expect: readonly string[] }
  | 'stop';
export type FromHeart = { readonly verdict: Message } | { readonly word: Word } | { readonly back: string };

/** The heart in a thread of its own: a node whose event loop is busy with 10,000 services is not dead. */
export function runHeart(): void {
  const port = parentPort;
  if (!port) throw new Error('the heart runs as a thread of the node process');
  const { netnsDir, everyMs, ...address } = workerData as HeartSettings;
  const log = createLog('node').with({ part: 'heart' });

  const probe = async (sandbox: Address): Promise<Sight> => {
    try {
      return (await echoes(join(netnsDir, 'ingress_sbox'), sandbox)) ? 'reached' : 'silent';
    } catch (error) {
      log.warn('could not try whether another node is reached', { sandbox: sandbox.text, reason: describe(error) });
      return 'unable';
    }
  };
  const heart = startHeart({
    clock: realClock,
    tickUs: () => Number(process.hrtime.bigint() / 1000n),
    probe,
    everyMs,
    onVerdict: (verdict) => port.postMessage({ verdict } satisfies FromHeart),
    onWord: (word) => port.postMessage({ word } satisfies FromHeart),
    onUnreadable: (error) =>
      log.warn('what a node says of its tasks cannot be read; the mesh tells it', { reason: error.message }),
    onBack: (back) => port.postMessage({ back } satisfies FromHeart),
    onFlood: (node) =>
      log.warn('a node says too much of its tasks, and is not heard for a while', { node, forMs: shutMs }),
  });
  const connections = connectEach({ ...address, log }, (bus, server) => heart.through(bus, server));

  const take = (told: Exclude<ToHeart, 'stop'>) => {
    if ('say' in told) heart.say(told.say);
    else if ('expect' in told) heart.expect(told.expect);
    else heart.as(told.as);
  };
  port.on('message', async (told: ToHeart) => {
    if (told !== 'stop') return take(told);
    await heart.stop();
    await connections.stop();
    port.close();
  });
}
