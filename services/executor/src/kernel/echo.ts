import type { Address } from '@fairway/mesh';
import { runCommand } from './command.ts';
import { CommandFailed } from './failures.ts';

/**
 * Two requests 40 ms apart, and 80 ms for the answer to the last: an answer takes less than a millisecond in a data centre and
 * less than 100 ms across an ocean. ping(8), iputils; `-i` below 0.2 s is for root.
 */
const twoEchoes = ['-n', '-q', '-c', '2', '-i', '0.04', '-W', '0.08'] as const;

/** A start of nsenter and ping takes 5 ms, and more where the machine is busy. */
const limitMs = 1_000;

/**
 * Whether the address answers an ICMP echo that is sent from a network namespace, 0.2 s for one that does not.
 * @param namespace path of the file that it is mounted on
 * @throws CommandFailed where there is no namespace or no way to send; CommandHung, CommandMissing
 */
export async function echoes(namespace: string, { family, text }: Address): Promise<boolean> {
  const version = family === 'ip6' ? '-6' : '-4';
  try {
    await runCommand('nsenter', [`--net=${namespace}`, '--', 'ping', version, ...twoEchoes, text], { limitMs });
    return true;
  } catch (error) {
    // ping ends with 1 where nothing came back, and with 2 for any other trouble; nsenter's own end is 1 too.
    const isSilence = error instanceof CommandFailed && error.status === 1 && !error.stderr.startsWith('nsenter:');
    if (isSilence) return false;
    throw error;
  }
}
