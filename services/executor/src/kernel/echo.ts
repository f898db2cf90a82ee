import type { Address } from '@fairway/mesh';
import { runCommand } from './command.ts';
import { CommandFailed } from './failures.ts';

/**
 * How often and how patiently it is asked, and how long nsenter and ping may take to start: 5 ms, and more where the machine
 * is busy. ping(8), iputils; less than 0.2 s between two is for root.
 */
type Asking = { readonly times: number; readonly waitMs: number; readonly startMs: number };

/** An answer takes less than a millisecond in a data centre and less than 80 ms across an ocean. */
const usually: Asking = { times: 2, waitMs: 80, startMs: 1_000 };

/**
 * Whether the address answers one of so many ICMP echoes, two 40 ms apart unless told otherwise, that are sent from a network
 * namespace; the answer to the last is waited for as long as told, 80 ms.
 * @param namespace path of the file that it is mounted on
 * @throws CommandFailed where there is no namespace or no way to send; CommandHung, CommandMissing
 */
export async function echoes(
  namespace: string,
  { family, text }: Address,
  { times, waitMs, startMs }: Asking = usually,
): Promise<boolean> {
  const version = family === 'ip6' ? '-6' : '-4';
  const args = [version, '-n', '-q', '-c', `${times}`, '-i', '0.04', '-W', `${waitMs / 1000}`, text];
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
