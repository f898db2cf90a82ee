import { setTimeout as pause } from 'node:timers/promises';
import { askBehind, ConsoleUnreachable } from './ask-console.ts';
import { look, type Steady } from './awaited.ts';

/** How often the console is asked, and with it a manager's Docker. */
const askEveryMs = 500;
/** How long the last look may take beyond the limit: so long a console that is well may take. */
const lastLookMs = 1_000;

type Options = {
  readonly consoleUrl: string;
  readonly service: string;
  readonly limitMs: number;
  /** For so long nothing of the service may have changed. */
  readonly steadyMs: number;
  /** Hears what is waited for, whenever that changes. */
  readonly onProgress: (waitingFor: readonly string[]) => void;
};

/** What waiting came to: what is still waited for when the time is over, nothing where the service is everywhere. */
export type Waited = {
  readonly waitingFor: readonly string[];
  readonly waitedMs: number;
  readonly revision?: number;
  readonly rolledBack: boolean;
};

/** Waits until every ready node has the service. A console that does not answer is waited for too. */
export async function waitForService({ consoleUrl, service, limitMs, steadyMs, onProgress }: Options): Promise<Waited> {
  const beginMs = performance.now();
  let steady: Steady | undefined;
  let rolledBack = false;
  let said = '';
  for (;;) {
    const askedMs = performance.now();
    const waitingFor = await askBehind(consoleUrl, service, Math.ceil(limitMs - (askedMs - beginMs)) + lastLookMs).then(
      (view) => {
        const looked = look(steady, view, { name: service, steadyMs }, { askedMs, answeredMs: performance.now() });
        steady = looked.steady;
        rolledBack = looked.rolledBack;
        return looked.waitingFor;
      },
      (error) => {
        if (!(error instanceof ConsoleUnreachable)) throw error;
        // What changed while nobody looked is not known.
        steady = undefined;
        return [`the console: ${error.message}`];
      },
    );
    const waitedMs = performance.now() - beginMs;
    if (waitingFor.length === 0 || waitedMs >= limitMs) {
      return { waitingFor, waitedMs, rolledBack, ...(steady ? { revision: steady.revision } : {}) };
    }
    if (said !== waitingFor.join()) onProgress(waitingFor);
    said = waitingFor.join();
    await pause(Math.min(askEveryMs, limitMs - waitedMs));
  }
}
