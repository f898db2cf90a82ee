import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { CommandFailed, CommandHung, CommandMissing } from './failures.ts';
import type { TimeLimit } from './time-limit.ts';

/** After so many characters a session is worn out; a new one takes as long as a change of rules by a process did. */
const writtenMax = 1_000_000;
/** What an entry of the history takes besides its text, bytes; with the word that follows it each line makes two. */
const entryOverhead = 2 * 64;

/**
 * A long-lived `nft -i`. Starting nft takes a change 5 ms, and its end 10 to 15 more where something was deleted, since
 * the kernel then waits for its readers before it lets the process's socket go; a line to one that runs takes 0.2 ms
 * (nft 1.0.6, Linux 6.18).
 *
 * nft acknowledges nothing, so each line is followed by a word that it does not know, and done when nft complains of
 * that.
 *
 * nft keeps every line that it was given as history, in memory and in `$HOME/.nft.history`, which it reads when it starts
 * and writes when it ends (src/cli.c). It gets no home to keep it in; the memory is why a session wears out.
 */
export class NftSession {
  readonly #command: string;
  readonly #limit: TimeLimit;
  readonly #child: ChildProcess;
  #said = '';
  #count = 0;
  #written = 0;
  #waiting: { readonly word: string; readonly answer: PromiseWithResolvers<string> } | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #over: Error | undefined;

  /** Starts it with a command of which `nft -i` is the end. */
  constructor(command: string, args: readonly string[], limit: TimeLimit) {
    this.#command = [command, ...args].join(' ');
    this.#limit = limit;
    this.#child = spawn(command, args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', HOME: '/dev/null' },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      this.#look();
    });
    // What is written to one that has ended is told by its end.
    this.#child.stdin?.on('error', () => {});
    this.#child.on('error', (error) => this.#end(new CommandMissing(command, error)));
    this.#child.on('close', () => this.#end());
    // It ends with its standard input, and is no reason to stay: neither it nor its pipes.
    for (const held of [this.#child, this.#child.stdin as Socket | null, this.#child.stderr as Socket | null])
      held?.unref();
  }

  /** Undefined where it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ended(): boolean {
    return this.#over !== undefined;
  }

  /** Whether it should be followed by another one before the next line. */
  get worn(): boolean {
    return this.#written > writtenMax;
  }

  /**
   * Runs one line, which is one transaction, after those before it.
   * @throws CommandFailed with what nft said, when nothing of it took effect; also when nft ended, and CommandHung: then
   *   it may have taken effect or not, and the session is over. CommandMissing when it could not be started.
   */
  run(line: string): Promise<void> {
    const next = this.#last.then(() => this.#run(line));
    this.#last = next.catch(() => {});
    return next;
  }

  /** Ends it; an nft that does not end with its input is killed after the limit, as it keeps its namespace alive. */
  close(): void {
    this.#child.stdin?.end();
    this.#end();
    setTimeout(() => this.#child.kill('SIGKILL'), this.#limit.ms).unref();
  }

  async #run(line: string): Promise<void> {
    if (this.#over) throw this.#over;
    const word = `done-${this.#count++}`;
    const answer = Promise.withResolvers<string>();
    this.#waiting = { word, answer };
    this.#said = '';
    this.#written += line.length + entryOverhead;
    this.#child.stdin?.write(`${line}\n${word}\n`);
    const limitMs = this.#limit.ms;
    const timer = setTimeout(() => {
      this.#child.kill('SIGKILL');
      this.#limit.killed(limitMs);
      this.#end(new CommandHung(this.#command, limitMs));
    }, limitMs);
    try {
      const said = await answer.promise;
      if (said !== '') throw new CommandFailed(this.#command, undefined, said);
    } finally {
      clearTimeout(timer);
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

  /** Why no line can be run any more; the first reason stays. */
  #end(why: Error = new CommandFailed(this.#command, undefined, this.#said || 'nft has ended')): void {
    this.#over ??= why;
    this.#waiting?.answer.reject(this.#over);
  }
}
