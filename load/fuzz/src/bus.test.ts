import {
  AnswerFailed,
  BusUnavailable,
  deciderConsumer,
  factStream,
  type Message,
  MessageTooLarge,
  RevisionConflict,
  readFact,
  Unreadable,
} from '@fairway/bus';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Sent, samples } from './bus-messages.ts';
import { corpus } from './corpus.ts';
import { dockerWith } from './docker-answers.ts';
import { type Fairway, startFairway } from './fairway.ts';
import { hostileField, hostileText, hostileValue } from './hostile.ts';
import { mutate, mutations } from './mutation.ts';
import { runs } from './runs.ts';

/** Whether it was taken; otherwise the sender's own side refused it, or it was answered with a reason. */
async function send(fairway: Fairway, sent: Sent, id: string): Promise<boolean> {
  const { bus } = fairway;
  const work = async () => {
    if (sent.to === 'mesh') await bus.mesh.put(sent.key, sent.text, (await bus.mesh.get(sent.key))?.revision ?? 0);
    else if (sent.to === 'node') await bus.ask(`fairway.ask.n1.${sent.question}`, sent.text, 1_000);
    else if (sent.to === 'stream') await bus.publish(sent, id);
    else bus.broadcast(sent);
  };
  try {
    await fairway.settle(work());
    return true;
  } catch (error) {
    const expected = [MessageTooLarge, RevisionConflict, BusUnavailable].some((kind) => error instanceof kind);
    if (!expected && !(error instanceof AnswerFailed)) throw error;
    return false;
  }
}

function isFact(sent: Sent): sent is Extract<Sent, Message> {
  return sent.to === 'stream' && sent.subject.startsWith('fairway.fact.');
}

function isUnreadable(sent: Message): boolean {
  try {
    readFact(sent);
    return false;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return true;
  }
}

/** Straight on the bus, to decider, sentinel, executor and console, beside a swarm whose Docker says what is right. */
async function onTheBus(all: readonly Sent[]): Promise<void> {
  const fairway = await startFairway(dockerWith({}), 'nftables');
  const { bus } = fairway;
  const taken: Sent[] = [];
  for (const [at, sent] of all.entries()) if (await send(fairway, sent, `sent ${at}`)) taken.push(sent);
  // A fact about a service that nobody knows waits for so long.
  await fairway.pass(15_000);
  expect(fairway.stray).toEqual([]);
  const put = taken.flatMap((sent) => (sent.to === 'mesh' ? [sent.key] : []));
  expect(fairway.unreadable.filter((key) => !put.includes(key))).toEqual([]);
  const { services, nodes, unwatched, putAside } = await fairway.status();
  const n1 = nodes.find(({ id }) => id === 'n1');
  expect(n1).toBeDefined();
  expect(n1).not.toHaveProperty('lost');
  expect(unwatched.map(({ about }) => about)).not.toContain('sentinels');
  expect(services.find(({ id }) => id === 'calm')).toMatchObject({ serving: 1 });
  const rules = fairway.kernel.rules('ingress');
  expect(rules && 'services' in rules && rules.services.get('tcp . 7000')).toBe(1);
  const paths = ['/api/events', '/api/nodes/n1/rules', '/api/nodes/n1/explain?target=7000', '/api/status?service=calm'];
  for (const path of paths) {
    const { status } = await fairway.settle(Promise.resolve(fairway.console.app.request(path)));
    expect(status, path).toBe(200);
  }
  expect(putAside).toBeGreaterThanOrEqual(taken.filter(isFact).filter(isUnreadable).length);
  const last = await fairway.settle(bus.count(factStream.name));
  const unknown = all.some(({ to }) => to === 'mesh');
  // Facts about an entry that cannot be read wait for a decider that can.
  if (!unknown) expect(await fairway.settle(bus.ackFloor(factStream.name, deciderConsumer))).toBe(last);
  await fairway.stop();
}

test.each(corpus<Sent[]>('bus'))('kept: %s', (_, kept) => onTheBus(kept));

/** JSON that can be read and not written again (Node 24), and what stands for it until then. */
const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
const deepHere = 'deep here';

const isJson = (text: string) => text.startsWith('{');

/** A sample with changes in its JSON, or with a text that is something else, and whatever trace. */
const sent: fc.Arbitrary<Sent> = fc.constantFrom(...samples).chain((sample) => {
  const json = isJson(sample.text) ? JSON.parse(sample.text) : {};
  const text = fc.oneof(
    { weight: 2, arbitrary: fc.constant(sample.text) },
    {
      weight: 6,
      arbitrary: mutations(
        json,
        fc.oneof({ weight: 19, arbitrary: hostileValue }, { weight: 1, arbitrary: fc.constant(deepHere) }),
        hostileField,
      ).map((changes) => JSON.stringify(mutate(json, changes))?.replace(`"${deepHere}"`, deep) ?? ''),
    },
    { weight: 1, arbitrary: hostileText },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.nat(sample.text.length).map((end) => sample.text.slice(0, end)) },
    { weight: 1, arbitrary: fc.constantFrom('['.repeat(100_000), `[${'0,'.repeat(100_000)}0]`, `{"a":${deep}}`) },
  );
  const trace = fc.oneof(
    fc.constant(undefined),
    hostileText.filter((header) => !/[\r\n]/.test(header)),
  );
  return fc.record({ text, trace }).map((changed) => {
    if (sample.to !== 'stream' && sample.to !== 'all') return { ...sample, text: changed.text };
    const { trace: _, ...message } = sample;
    return { ...message, text: changed.text, ...(changed.trace === undefined ? {} : { trace: changed.trace }) };
  });
});

const tried = runs(60);

test(
  'whatever is on the bus, nobody stops, what is right is served, and what cannot be read is put aside',
  async () => {
    await fc.assert(fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 6 }), onTheBus), tried);
  },
  tried.limitMs,
);
