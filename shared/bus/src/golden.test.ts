import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  readExplanation,
  readHandover,
  readKernelTables,
  readProbe,
  readQuestion,
  readRequest,
  readSight,
} from './answer.ts';
import { readBeat } from './beat.ts';
import { readComplete, readNetwork, readNode, readReach, readService, readShard } from './entry.ts';
import { readFact, readOutcome } from './envelope.ts';
import { readHeadMessage } from './head.ts';
import { readTold } from './nats/told.ts';
import { readOutlook } from './outlook.ts';
import { readThrottled } from './throttled.ts';
import { readVerdict } from './verdict.ts';
import { readWord } from './word.ts';

/**
 * One of each message and entry as the first release of version 1 writes it. The file is never rewritten, and goes when
 * the last release that reads this version does: what an earlier release wrote is read by a later one.
 */
type Kept = { readonly read: keyof typeof readers; readonly subject: string; readonly json: unknown };

const readers = {
  readFact: (subject: string, text: string) => readFact({ subject, text }),
  readOutcome: (subject: string, text: string) => readOutcome({ subject, text }),
  readService,
  readShard,
  readNode,
  readNetwork,
  readReach,
  readComplete,
  readQuestion,
  readKernelTables,
  readHandover,
  readExplanation,
  readProbe,
  readSight,
  readBeat: (subject: string, text: string) => readBeat({ subject, text }),
  readVerdict: (subject: string, text: string) => readVerdict({ subject, text }),
  readWord: (subject: string, text: string) => readWord({ subject, text }),
  readOutlook: (subject: string, text: string) => readOutlook({ subject, text }),
  readHeadMessage: (subject: string, text: string) => readHeadMessage({ subject, text }),
  readThrottled: (subject: string, text: string) => readThrottled({ subject, text }),
  readUninstall(subject: string, text: string) {
    readRequest(subject, text, 'uninstall');
    return 'uninstall';
  },
  // What it cannot read it takes for a failure.
  readTold(_: string, text: string) {
    const { waitMs } = readTold(text);
    return waitMs ?? '';
  },
};

const kept: Kept[] = JSON.parse(readFileSync(new URL('golden/schema-1.json', import.meta.url), 'utf8'));

test.each(kept)('what the first release of version 1 wrote is read: $read of $subject', ({ read, subject, json }) => {
  const found = readers[read](subject, JSON.stringify(json));
  expect(found).toBeTruthy();
});

test('each reader has something to read', () => {
  expect(new Set(kept.map(({ read }) => read))).toEqual(new Set(Object.keys(readers)));
});
