import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What to ask, of whom, and how often. */
export type Probe = {
  readonly carrier: 'tcp' | 'udp';
  /** `ADDRESS:PORT`, asked in strict turn. */
  readonly targets: readonly string[];
  /** How many connections in all; without it, until `forMs` or until it is told to end. */
  readonly count?: number;
  readonly forMs?: number;
  /** Clients that ask side by side; 1 without it. */
  readonly atOnce?: number;
  /** Counts answers per target, too. */
  readonly byTarget?: boolean;
  /** Writes each failure with its time to standard error, to be held against the logs. */
  readonly tellFailures?: boolean;
  /** Ends when its standard input is closed. */
  readonly untilClosed?: boolean;
};

/** How often which answer came, and which failure. */
export type ProbeResult = {
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly slowestMs: number;
};

/** Connections that are being made. */
export type Traffic = {
  /** Ends it and says what came of it. */
  end(): Promise<ProbeResult>;
};

const program = fileURLToPath(new URL('probe.ts', import.meta.url));

/** Starts connections from a network namespace, to go on until they are ended. None is expected to fail. */
export function startTraffic(namespace: string, asked: Probe): Traffic {
  const { child, done } = start(namespace, { ...asked, untilClosed: true, tellFailures: true });
  return {
    end() {
      child.stdin.end();
      return done;
    },
  };
}

/** Makes the connections from a network namespace and says what came of them. */
export function probe(namespace: string, asked: Probe): Promise<ProbeResult> {
  return start(namespace, asked).done;
}

function start(namespace: string, asked: Probe) {
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, program, JSON.stringify(asked)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data) => {
    text += data;
  });
  const done = new Promise<ProbeResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(JSON.parse(text));
      else reject(new Error(`the probe ended with status ${status}`));
    });
  });
  return { child, done };
}
