import { Worker } from 'node:worker_threads';
import type { Message } from '@fairway/bus';
import type { Word } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import type { HeartOf } from './heart.ts';
import type { FromHeart, HeartSettings, ToHeart } from './heart-thread.ts';

type Options = HeartSettings & {
  readonly log: Log;
  readonly onVerdict: (message: Message) => void;
  readonly onWord: (word: Word) => void;
  readonly onBack: (server: string) => void;
};

/** A thread that ended is started again after this time. */
const restartMs = 1_000;

/** Runs the heart in a thread, which is started again should it end. The process's main file knows what to do as a thread. */
export class HeartInThread {
  readonly #options: Options;
  #worker: Worker | undefined;
  #known: HeartOf | undefined;
  #expected: readonly string[] = [];
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
    this.#start();
  }

  /** This machine is that node now, or none. */
  as(node: HeartOf | undefined): void {
    this.#known = node;
    this.#tell({ as: node });
  }

  /** These nodes are to be heard, whoever floods. */
  expect(nodes: readonly string[]): void {
    this.#expected = nodes;
    this.#tell({ expect: nodes });
  }

  /** Says a word of this node's to the others; while there is no thread it is not said. */
  say(word: Word): void {
    this.#tell({ say: word });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    this.#tell('stop');
    await ended;
  }

  #start(): void {
    const { log, onVerdict, onWord, onBack, ...settings } = this.#options;
    const worker = new Worker(process.argv[1] ?? '', { workerData: settings, name: 'heart' });
    this.#worker = worker;
    worker.on('message', (told: FromHeart) => {
      if ('back' in told) onBack(told.back);
      else if ('word' in told) onWord(told.word);
      else onVerdict(told.verdict);
    });
    worker.on('error', (error) => log.error('the heart failed', { reason: describe(error) }));
    worker.on('exit', () => {
      this.#worker = undefined;
      if (this.#stopped) return;
      log.error('the heart stopped; until it is started again this node looks dead, and is tried by the others', {
        afterMs: restartMs,
      });
      setTimeout(() => this.#stopped || this.#start(), restartMs).unref();
    });
    this.#tell({ as: this.#known });
    this.#tell({ expect: this.#expected });
  }

  #tell(told: ToHeart): void {
    this.#worker?.postMessage(told);
  }
}
