import type { Address } from '@fairway/mesh';
import { runCommand } from './command.ts';
import { CommandFailed } from './failures.ts';

/** ping(8), iputils; `-i` below 0.2 s is for root. */
const twoEchoes = ['-n', '-q', '-c', '2', '-i', '0.04'] as const;

/** An answer takes less than a millisecond in a data centre and less than this across an ocean. */
const answerMs = 80;

/** A start of nsenter and ping takes 5 ms, and more where the machine is busy. */
const startMs = 1_000;

/**
 * Whether the address answers one of two ICMP echoes, 40 ms apart, that are sent from a network namespace.
 * @param namespace path of the file that it is mounted on
 * @param waitMs for so long, 80 ms unless told otherwise, the answer to the last is waited for
 * @throws CommandFailed where there is no namespace or no way to send; CommandHung, CommandMissing
 */
export async function echoes(
  namespace: string,
  { family, text }: Address,
  waitMs: number = answerMs,
): Promise<boolean> {
  const version = family === 'ip6' ? '-6' : '-4';
  const args = [version, ...twoEchoes, '-W', String(waitMs / 1000), text];
  try {
    await runCommand('nsenter', [`--net=${namespace}`, '--', 'ping', ...args], { limitMs: startMs + waitMs });
    return true;
  } catch (error) {
    // ping ends with 1 where nothing came back, and with 2 for any other trouble; nsenter's own end is 1 too.
    const isSilence = error instanceof CommandFailed && error.status === 1 && !error.stderr.startsWith('nsenter:');
    if (isSilence) return false;
    throw error;
  }
}
