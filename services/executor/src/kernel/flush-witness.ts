import { CommandFailed } from './failures.ts';
import type { Namespace } from './kernel.ts';

/** Runs a program in a namespace. */
type RunIn = (namespace: Namespace, command: string, args: readonly string[]) => Promise<string>;

/**
 * A tracked connection that nobody has: between addresses that are for documents (RFC 5737), by port 0, which nobody can publish.
 * It is kept as long as the kernel keeps an open TCP connection (nf_conntrack_tcp_timeout_established, 5 days), and
 * ASSURED: a table that is full drops only others early (nf_conntrack_core.c, early_drop).
 */
const entry = ['-p', 'udp', '-s', '192.0.2.1', '-d', '192.0.2.2', '--sport', '0', '--dport', '0'];
const keptS = '432000';

/** It is kept on while it is asked for more often than this, seconds. */
const renewBelowS = 86_400;

/**
 * Whether a namespace's tracked connections were flushed since the last time; also where it is asked for the first time, or again
 * after four days. Of a flush conntrack tells by an event for each connection, as it does of each that ends by itself: so one
 * that never ends is left among them.
 * @throws NamespaceMissing, CommandFailed, CommandHung
 */
export async function wereFlushed(runIn: RunIn, namespace: Namespace): Promise<boolean> {
  try {
    const listed = await runIn(namespace, 'conntrack', ['-G', ...entry]);
    const leftS = Number(/^udp +17 (\d+) /.exec(listed)?.[1]);
    if (leftS < renewBelowS) await runIn(namespace, 'conntrack', ['-U', ...entry, '-t', keptS]);
    return false;
  } catch (error) {
    if (!isAbsence(error)) throw error;
    await runIn(namespace, 'conntrack', ['-I', ...entry, '-t', keptS, '-u', 'ASSURED,SEEN_REPLY']);
    return true;
  }
}

/** Takes it away again. @throws NamespaceMissing, CommandFailed, CommandHung */
export async function endWitness(runIn: RunIn, namespace: Namespace): Promise<void> {
  await runIn(namespace, 'conntrack', ['-D', ...entry]).catch((error) => {
    if (!isAbsence(error)) throw error;
  });
}

/** What conntrack says of one that is not there (conntrack-tools 1.4.7): -G in words, -D by its status alone. */
function isAbsence(error: unknown): boolean {
  return (
    error instanceof CommandFailed &&
    error.status === 1 &&
    /such conntrack doesn't exist|\b0 flow entries have been deleted/.test(error.stderr)
  );
}
