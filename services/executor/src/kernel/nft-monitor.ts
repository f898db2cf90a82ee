import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { tableName } from '../rules/layout.ts';

type Options = {
  /** What steps into the namespace first, as the beginning of a command; empty for the process's own. */
  readonly within: readonly string[];
  /** Whether a process is one of Fairway's own. */
  readonly isOwn: (pid: number) => boolean;
  /** Others may have changed what is watched. */
  readonly onChange: () => void;
};

/** One that ended is started again after this time, twice as long each time that it did not last. */
const restartMinMs = 1_000;
const restartMaxMs = 60_000;
const lastsMs = 10_000;
/** Where Fairway's two accepts are on a host, and what leads there. */
const forwarding: readonly string[] = ['ip filter DOCKER-USER', 'ip filter FORWARD'];

/**
 * A long-lived `nft monitor`, which tells each change in a namespace, and after those of a transaction which process has made
 * it (nft 1.0.6: `# new generation 5 by process 123 (nft)`). iptables is a front end of nftables for this, where it is not
 * the legacy one. In a PID namespace a process has another number there than the kernel tells: its own changes are then
 * looked at as others' are, and found to be as they should be.
 */
export class NftMonitor {
  readonly #options: Options;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #restartMs = restartMinMs;
  #startedMs = 0;
  #closed = false;

  constructor(options: Options) {
    this.#options = options;
    this.#start();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#restart);
    // It keeps its namespace alive, and has nothing to finish.
    this.#child?.kill('SIGKILL');
  }

  #start(): void {
    const { within, isOwn, onChange } = this.#options;
    // It does not read, and so would not hear that whoever it tells has died.
    const args = ['--pdeathsig', 'KILL', '--', ...within, 'nft', 'monitor'];
    const child = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, LC_ALL: 'C' } });
    this.#child = child;
    this.#startedMs = performance.now();
    let isTouched = false;
    // Without a descriptor left there is none.
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (isOfInterest(line)) isTouched = true;
        const by = /^# new generation \d+ by process (\d+)/.exec(line)?.[1];
        if (by === undefined) return;
        if (isTouched && !isOwn(Number(by))) onChange();
        isTouched = false;
      });
    child.on('error', () => this.#startAgain(child));
    child.on('close', () => this.#startAgain(child));
    child.unref();
    (child.stdout as Socket | null)?.unref();
  }

  /** What changed meanwhile it does not tell. */
  #startAgain(ended: ChildProcess): void {
    if (this.#closed || this.#child !== ended) return;
    this.#child = undefined;
    if (performance.now() - this.#startedMs > lastsMs) this.#restartMs = restartMinMs;
    this.#restart = setTimeout(() => {
      this.#start();
      this.#options.onChange();
    }, this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, restartMaxMs);
    this.#restart.unref();
  }
}

/** `add element inet fairway ports { … }`; or that it could not keep up, and events were lost. */
function isOfInterest(line: string): boolean {
  if (line.startsWith('# ERROR')) return true;
  const [, , ...where] = line.split(' ', 5);
  return where.slice(0, 2).join(' ') === `inet ${tableName}` || forwarding.includes(where.join(' '));
}
