import { type ChildProcess, fork } from 'node:child_process';

/** What a program can be asked, by name. */
export type Commands = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

type Question = { readonly id: number; readonly name: string; readonly args: readonly unknown[] };
type Answer = { readonly id: number; readonly value?: unknown; readonly failure?: string };

/** A program of its own, asked by messages: what it measures is not delayed by whoever asks. */
export class Program<Offered extends Commands> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #asked = 0;

  constructor(file: URL) {
    this.#child = fork(file, { serialization: 'advanced' });
    this.#child.on('message', ({ id, value, failure }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (failure === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(failure));
    });
    this.#child.on('exit', (status, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${file.pathname} ended: ${status ?? signal}`));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Asks for one of its commands. What it throws is thrown here by its message; so is its end. */
  ask<Name extends keyof Offered & string>(name: Name, ...args: Parameters<Offered[Name]>): ReturnType<Offered[Name]> {
    const id = this.#asked++;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name, args } satisfies Question, (error) => error && reject(error));
    });
    return answer as ReturnType<Offered[Name]>;
  }

  /** Lets it stand still: its connections stay open, and it reads nothing from them. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The other side: answers what the process that started this one asks, and ends with it. */
export function answerStarter(commands: Commands): void {
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, name, args }: Question) => {
    let answer: Answer;
    try {
      answer = { id, value: await commands[name]?.(...(args as never[])) };
    } catch (error) {
      answer = { id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.send?.(answer);
  });
}
