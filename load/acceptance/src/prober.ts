import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { patience } from '@fairway/cluster';

/** What to ask, of whom, and how often. */
export type Probe = {
  readonly carrier: 'tcp' | 'udp';
  /** `ADDRESS:PORT`, asked in strict turn. */
  readonly targets: readonly string[];
  /** How many connections in all; without it, until it is told to end. */
  readonly count?: number;
  /** Clients that ask side by side; 1 without it. */
  readonly atOnce?: number;
  /** How long each client pauses between two, milliseconds; not at all without it. */
  readonly pauseMs?: number;
  /** Counts answers per target, too. */
  readonly byTarget?: boolean;
  /** An answer that takes longer, milliseconds, is a failure. */
  readonly answerMaxMs: number;
  /** Writes each failure with its time, and at the end what came of it, to standard error, to be held against the logs. */
  readonly tell?: boolean;
};

/** What a test asks. */
export type Asked = Omit<Probe, 'answerMaxMs' | 'tell' | 'pauseMs'>;

/** How often which answer came, and which failure. */
export type ProbeResult = {
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly slowestMs: number;
};

/** A line to the program: begin this, or end it before its time. */
export type ProbeOrder = { readonly id: number; readonly asked?: Probe };

/** A line from the program: what came of it. */
export type ProbeReport = { readonly id: number; readonly result: ProbeResult };

/** Connections that are being made. */
export type Traffic = {
  /** Ends it and says what came of it. */
  end(): Promise<ProbeResult>;
};

/** No answer of a task in the same machine takes this long; what does is a packet that was lost. */
const answerMaxMs = 3_000;

/** On a machine that is slower by so much, clients without a pause would take the processors from what is tested. */
const pausePerSlownessMs = 20;

const program = fileURLToPath(new URL('probe.ts', import.meta.url));

/** A process in a network namespace that makes connections when it is asked to. */
export class Prober {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<number, PromiseWithResolvers<ProbeResult>>();
  #asked = 0;

  constructor(namespace: string) {
    this.#child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, program], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Handed on by this process: what is written past it is not among what the tests' runner shows.
    this.#child.stderr.on('data', (text) => process.stderr.write(text));
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { id, result } = JSON.parse(line) as ProbeReport;
      this.#waiting.get(id)?.resolve(result);
      this.#waiting.delete(id);
    });
    const fail = (reason: Error) => {
      for (const { reject } of this.#waiting.values()) reject(reason);
    };
    this.#child.on('error', fail);
    this.#child.on('close', (status) => fail(new Error(`the probe in ${namespace} ended with status ${status}`)));
    // Told by its end.
    this.#child.stdin.on('error', () => {});
  }

  /** Makes the connections and says what came of them. */
  probe(asked: Asked): Promise<ProbeResult> {
    return this.#begin({ ...asked, answerMaxMs }).result;
  }

  /** Starts connections that go on until they are ended. None is expected to fail, however slow the machine is meanwhile. */
  startTraffic(asked: Asked): Traffic {
    const slowness = patience();
    const paced = { answerMaxMs: answerMaxMs * slowness, pauseMs: pausePerSlownessMs * (slowness - 1) };
    const { id, result } = this.#begin({ ...asked, ...paced, tell: true });
    return {
      end: () => {
        this.#order({ id });
        return result;
      },
    };
  }

  close(): void {
    this.#child.stdin.end();
  }

  #begin(asked: Probe): { id: number; result: Promise<ProbeResult> } {
    this.#asked += 1;
    const id = this.#asked;
    const waiting = Promise.withResolvers<ProbeResult>();
    this.#waiting.set(id, waiting);
    if (this.#child.exitCode === null) this.#order({ id, asked });
    else waiting.reject(new Error(`the probe has ended with status ${this.#child.exitCode}`));
    return { id, result: waiting.promise };
  }

  #order(order: ProbeOrder): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }
}
