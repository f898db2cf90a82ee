import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Cluster, until } from '@fairway/cluster';

/** Says each line that it is given to the other side, and prints what comes back; `closed` when nothing does. */
const talk = `exec 3<>/dev/tcp/$0/$1 || { echo refused; exit; }
while IFS= read -r answer <&3 || { echo closed; exit; }; do echo "$answer"; IFS= read -r line && echo "$line" >&3 || exit; done`;

/** A connection from outside to a service that runs `echo-tcp`, open until it is closed. */
export class HeldConnection {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Opens it, and gives it with the name of the task that it is to: `I'm 8a0a11d7f382`. */
  static async open(cluster: Cluster, address: string, port: number): Promise<{ held: HeldConnection; name: string }> {
    const [program, ...words] = cluster.clientArgv(['bash', '-c', talk, address, `${port}`]);
    const child = spawn(program as string, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const held = new HeldConnection(child);
    return { held, name: await held.#next() };
  }

  /** Opens one once a task answers: it has its rules once Docker calls it running, which is before its program listens. */
  static openToTask(cluster: Cluster, address: string, port: number): Promise<HeldConnection> {
    return until(
      `a connection to a task by ${address}:${port}`,
      async () => {
        const { held, name } = await HeldConnection.open(cluster, address, port);
        if (name.startsWith("I'm ")) return held;
        held.close();
        return name;
      },
      { limitMs: 60_000, everyMs: 200 },
    );
  }

  /** Says a line, and gives what is answered: the same, or `closed`. */
  say(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`);
    return this.#next();
  }

  close(): void {
    this.#child.stdin.end();
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#answers.next();
    return done ? 'closed' : value;
  }
}
