import { type ChildProcess, spawn } from 'node:child_process';
import { CommandFailed, CommandHung } from './failures.ts';

/**
 * A long-lived `nft -i`. Starting nft takes a change 5 ms, and its end 10 to 15 more where something was deleted, since
 * the kernel then waits for its readers before it lets the process's socket go; a line to one that runs takes 0.2 ms
 * (nft 1.0.6, Linux 6.18).
 *
 * nft acknowledges nothing, so each line is followed by a word that it does not know, and done when nft complains of
 * that.
 */
export class NftSession {
  readonly #command: string;
  readonly #limitMs: number;
  readonly #child: ChildProcess;
  #said = '';
  #count = 0;
  #waiting: { readonly word: string; readonly answer: PromiseWithResolvers<string> } | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;

  /** Starts it with a command of which `nft -i` is the end. */
  constructor(command: string, args: readonly string[], limitMs: number) {
    this.#command = [command, ...args].join(' ');
    this.#limitMs = limitMs;
    this.#child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      this.#look();
    });
    // What is written to one that has ended is told by its end.
    this.#child.stdin?.on('error', () => {});
    this.#child.on('error', () => this.#end());
    this.#child.on('close', () => this.#end());
    // It ends with its standard input, and is no reason to stay.
    this.#child.unref();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Runs one line, which is one transaction, after those before it.
   * @throws CommandFailed with what nft said, when nothing of it took effect; also when nft ended, and CommandHung: then
   *   it may have taken effect or not, and the session is over.
   */
  run(line: string): Promise<void> {
    const next = this.#last.then(() => this.#run(line));
    this.#last = next.catch(() => {});
    return next;
  }

  close(): void {
    this.#child.stdin?.end();
    this.#end();
  }

  async #run(line: string): Promise<void> {
    if (this.#ended) throw new CommandFailed(this.#command, undefined, this.#said || 'nft has ended');
    const word = `done-${this.#count++}`;
    const answer = Promise.withResolvers<string>();
    this.#waiting = { word, answer };
    this.#said = '';
    this.#child.stdin?.write(`${line}\n${word}\n`);
    const limit = setTimeout(() => {
      answer.reject(new CommandHung(this.#command, this.#limitMs));
      this.#child.kill('SIGKILL');
      this.#end();
    }, this.#limitMs);
    try {
      const said = await answer.promise;
      if (said !== '') throw new CommandFailed(this.#command, undefined, said);
    } finally {
      clearTimeout(limit);
      this.#waiting = undefined;
    }
  }

  /** nft shows the line that it complains of, and marks the place in it. */
  #look(): void {
    if (!this.#waiting) return;
    const { word, answer } = this.#waiting;
    const complaint = new RegExp(`Error: [^\\n]*\\n${word}\\n *\\^+\\n`).exec(this.#said);
    if (complaint) answer.resolve(this.#said.slice(0, complaint.index));
  }

  #end(): void {
    this.#ended = true;
    this.#waiting?.answer.reject(new CommandFailed(this.#command, undefined, this.#said || 'nft has ended'));
  }
}
