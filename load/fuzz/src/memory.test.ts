import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  beatMessage,
  deadLetterStream,
  factMessage,
  factStream,
  outcomeMessage,
  verdictMessage,
  writeQuestion,
} from '@fairway/bus';
import { expect, test } from 'vitest';
import { dockerWith } from './docker-answers.ts';
import { type Fairway, startFairway } from './fairway.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const incarnation = { boot: 'b', daemon: 'd' };
const reading = { incarnation, tick: 1 };
/** What is sent in a round of each kind that is stored or answered; with what each carries, some 15 MB. */
const each = 250;
/** And of beats, which carry nothing: what is kept of one is seen, too. */
const beats = 5_000;
const rounds = 3;
const ballast = 'x'.repeat(20_000);
/** The text with a field that nobody knows. */
const heavy = (text: string) => `${text.slice(0, -1)},"ballast":"${ballast}"}`;

/** Node n2 speaks of what is new each time, and of nothing that there is. */
async function speak({ bus, settle }: Fairway, round: number): Promise<void> {
  const store = (message: ReturnType<typeof factMessage>, id: string) =>
    settle(bus.publish({ ...message, text: heavy(message.text) }, id));
  for (let n = 0; n < each; n++) {
    const id = `${round}-${n}`;
    const container = { kind: 'container', node: 'n2', container: `c${id}`, state: 'running', reading } as const;
    const unknown = { ...container, service: `service${id}`, task: `task${id}` };
    const madeUp = { ...container, service: 'calm', task: `task${id}` };
    await store(factMessage('n2', 'e', unknown, 'event', 1, trace), `unknown ${id}`);
    await store(factMessage('n2', 'e', madeUp, 'event', 1, trace), `made up ${id}`);
    const failed = { kind: 'failed', from: 0, to: 1, namespace: `host${id}`, reason: 'because', causes: [] } as const;
    await settle(bus.publish(outcomeMessage('n2', 'e', failed, 1, trace), `failed ${id}`));
    const judged = { incarnation, by: 's2', votes: [], sinceMs: 1, epoch: 'e', after: 0, trace };
    const verdict = verdictMessage({ ...judged, node: `node${id}` });
    bus.broadcast({ ...verdict, text: heavy(verdict.text) });
    const question = bus.ask('fairway.ask.n1.explain', heavy(writeQuestion(`10.9.${round}.${n}:80`)), 1_000);
    // Not by an expectation: it would keep what it is of until the test ends.
    const answer = await settle(question.catch(({ message }: Error) => message));
    if (!answer.includes('neither a port')) throw new Error(answer);
  }
  for (let n = 0; n < beats; n++) bus.broadcast(beatMessage({ node: `node${round}-${n}`, reading, everyMs: 200 }));
}

test('of what is hostile nothing is kept but what streams and the log of events keep', {
  timeout: 120_000,
}, async () => {
  const fairway = await startFairway(dockerWith({}), 'nftables');
  let lettersBytes = 0;
  fairway.bus.tail(deadLetterStream.name, deadLetterStream.subjects[0] ?? '', ({ text }) => {
    lettersBytes += text.length;
  });
  const heldBytes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await speak(fairway, round);
    // Until the stream has forgotten the facts.
    await fairway.pass(factStream.ageMaxMs + 60_000);
    collectGarbage();
    heldBytes.push(process.memoryUsage().heapUsed - lettersBytes);
  }
  expect(await fairway.settle(fairway.bus.count(deadLetterStream.name))).toBeGreaterThanOrEqual(rounds * each);
  await fairway.stop();
  // Outcomes, which their stream keeps for a day, are a quarter of it; of each beat 200 bytes would be too much.
  const [, second = 0, last = 0] = heldBytes;
  expect(last - second, `held after each round: ${heldBytes}`).toBeLessThan(1_000_000);
});
