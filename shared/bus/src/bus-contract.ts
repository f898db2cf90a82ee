import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BucketEntry, Bus, Delivery, Message } from './bus.ts';
import { RevisionConflict } from './bus.ts';
import { keys } from './keys.ts';
import { MessageTooLarge } from './message-too-large.ts';
import { deciderConsumer, factStream } from './streams.ts';
import { AnswerFailed, AnswerLate, NobodyAnswers } from './unanswered.ts';

/** What the contract is tried on. */
export type ContractSubject = {
  readonly bus: Bus;
  /** A further connection to the same bus. */
  another(): Promise<Bus>;
  /** Takes everything from the bus: streams, consumers, buckets. The connections find it again by themselves. */
  wipe(): Promise<void>;
  /** Closes all connections and removes what was made. */
  close(): Promise<void>;
};

/** Waits for a state, never for a time: what a loss costs is at most a few seconds. */
const soon = { timeout: 10_000, interval: 5 };

export function becomes(check: () => void): Promise<void> {
  return vi.waitFor(check, soon);
}

export async function eventually<T>(work: () => Promise<T>): Promise<T> {
  return vi.waitFor(work, soon);
}

/** Writes down what a follower hears. */
export class Diary {
  readonly epochs: string[] = [];
  /** Since the last epoch began. */
  entries: BucketEntry[] = [];
  caughtUps: number[] = [];
  /** Whether nothing was said to be missing since it caught up. */
  isCurrent = false;

  begin(epoch: string): void {
    this.epochs.push(epoch);
    this.entries = [];
    this.caughtUps = [];
  }

  entry(entry: BucketEntry): void {
    this.entries.push(entry);
  }

  caughtUp(revision: number): void {
    this.caughtUps.push(revision);
    this.isCurrent = true;
  }

  fellBehind(): void {
    this.isCurrent = false;
  }

  /** Without the epoch's own key. */
  get lines(): string[] {
    return this.entries.filter(({ key }) => key !== keys.epoch).map(({ key, text }) => `${key}=${text ?? '(deleted)'}`);
  }

  get revisions(): number[] {
    return this.entries.map(({ revision }) => revision);
  }
}

/** Takes deliveries and answers none of them by itself. */
export class Desk {
  readonly deliveries: Delivery[] = [];
  readonly take = (delivery: Delivery) => void this.deliveries.push(delivery);

  get texts(): string[] {
    return this.deliveries.map(({ text }) => text);
  }
}

export const fact = (text: string, object = 'o'): Message => ({ subject: `fairway.fact.n1.task.${object}`, text });

/** What every `Bus` must do. Both sides are held to it, so that what runs on the stand-in runs on NATS. */
export function busContract(name: string, open: () => Promise<ContractSubject>): void {
  describe(`${name} keeps the contract of the bus`, () => {
    let subject: ContractSubject;
    let bus: Bus;
    beforeEach(async () => {
      subject = await open();
      bus = subject.bus;
    });
    afterEach(() => subject.close());

    it('has no epoch before it is provisioned, and one and the same for all who provision it at once', async () => {
      expect(await bus.epoch()).toBeUndefined();
      const others = await Promise.all([subject.another(), subject.another()]);
      const epochs = await Promise.all([bus, ...others].map((one) => one.provision()));
      expect(new Set(epochs).size).toBe(1);
      expect(await bus.epoch()).toBe(epochs[0]);
      expect(await bus.provision()).toBe(epochs[0]);
      expect((await bus.mesh.get(keys.epoch))?.text).toBe(epochs[0]);
    });

    it('says that it is unavailable where there is no stream or bucket', async () => {
      await expect(bus.publish(fact('a'), '1')).rejects.toThrow(/^BusUnavailable: publish/);
      await expect(bus.mesh.put('node.a', 'x', 0)).rejects.toThrow(/^BusUnavailable/);
      await expect(bus.mesh.get('node.a')).rejects.toThrow(/^BusUnavailable/);
      await expect(bus.mesh.lastRevision()).rejects.toThrow(/^BusUnavailable/);
    });

    describe('questions', () => {
      const question = 'fairway.ask.n1.rules';
      /** Once whoever answers has reached the server. */
      const asked = (asker: Bus, text: string) => eventually(() => asker.ask(question, text, 5_000));

      it('are answered, with nothing provisioned, until the answerer is stopped', async () => {
        const other = await subject.another();
        const answering = other.answer(question, async (text) => `${text}, answered`);
        expect(await asked(bus, 'first')).toBe('first, answered');
        const texts = Array.from({ length: 20 }, (_, n) => `${n}`);
        expect(await Promise.all(texts.map((text) => bus.ask(question, text, 5_000)))).toEqual(
          texts.map((text) => `${text}, answered`),
        );
        await answering.stop();
        await answering.stop();
        await eventually(() => expect(bus.ask(question, 'late', 5_000)).rejects.toThrow(NobodyAnswers));
      });

      it('that nobody answers fail at once', async () => {
        bus.answer('fairway.ask.n2.rules', async () => 'another node');
        await expect(bus.ask(question, '', 60_000)).rejects.toThrow('NobodyAnswers: fairway.ask.n1.rules');
      });

      it('fail with the reason of whoever answers', async () => {
        const other = await subject.another();
        other.answer(question, async (text) => {
          if (text === 'can you?') throw new Error('the kernel\nis not there');
          return 'x'.repeat(1024 * 1024);
        });
        const failure = await eventually(async () => {
          const caught = await bus.ask(question, 'can you?', 5_000).catch((error) => error);
          expect(caught).toBeInstanceOf(AnswerFailed);
          return caught;
        });
        expect(failure).toMatchObject({ subject: question, reason: 'the kernel is not there' });
        await expect(bus.ask(question, 'much', 5_000)).rejects.toThrow('MessageTooLarge');
      });

      it('that take too long fail then, and their answer is heard by nobody', async () => {
        const other = await subject.another();
        const end = Promise.withResolvers<string>();
        other.answer(question, (text) => (text === 'slow' ? end.promise : Promise.resolve('quick')));
        await asked(bus, 'quick');
        await expect(bus.ask(question, 'slow', 50)).rejects.toThrow(AnswerLate);
        end.resolve('too late');
        expect(await bus.ask(question, 'again', 5_000)).toBe('quick');
      });

      it('that are larger than the bus takes are not asked', async () => {
        await expect(bus.ask(question, 'x'.repeat(1024 * 1024), 5_000)).rejects.toThrow(MessageTooLarge);
      });
    });

    describe('messages', () => {
      beforeEach(() => bus.provision());

      it('stores a message id once and delivers with trace, sequence and attempt', async () => {
        const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
        await bus.publish({ ...fact('a'), trace }, 'a');
        await bus.publish({ ...fact('a'), trace }, 'a');
        await bus.publish(fact('b'), 'b');
        const desk = new Desk();
        bus.consume(factStream.name, deciderConsumer, desk.take);
        await becomes(() => expect(desk.texts).toEqual(['a', 'b']));
        const [first, second] = desk.deliveries;
        expect(first).toMatchObject({ subject: 'fairway.fact.n1.task.o', sequence: 1, attempt: 1, trace });
        expect(second).toMatchObject({ sequence: 2, attempt: 1 });
        expect(second?.trace).toBeUndefined();
      });

      it('delivers again what is to be retried, and takes one answer only', async () => {
        await bus.publish(fact('a'), 'a');
        const desk = new Desk();
        bus.consume(factStream.name, deciderConsumer, desk.take);
        await becomes(() => expect(desk.deliveries).toHaveLength(1));
        desk.deliveries[0]?.retry(20);
        desk.deliveries[0]?.ack();
        await becomes(() => expect(desk.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2]));
        expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(0);
        desk.deliveries[1]?.ack();
        desk.deliveries[1]?.retry(0);
        await eventually(async () => expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(1));
        await bus.publish(fact('b'), 'b');
        await becomes(() => expect(desk.texts).toEqual(['a', 'a', 'b']));
      });

      it('counts what a stream holds', async () => {
        expect(await bus.count(factStream.name)).toBe(0);
        await bus.publish(fact('a'), 'a');
        await bus.publish(fact('b'), 'b');
        await bus.publish(fact('b'), 'b');
        expect(await bus.count(factStream.name)).toBe(2);
        expect(await bus.count('NO_SUCH_STREAM')).toBe(0);
      });

      it('tells up to where everything is acked', async () => {
        const floor = () => bus.ackFloor(factStream.name, deciderConsumer);
        expect(await floor()).toBe(0);
        await Promise.all(['a', 'b', 'c'].map((text) => bus.publish(fact(text), text)));
        expect(await floor()).toBe(0);
        const desk = new Desk();
        bus.consume(factStream.name, deciderConsumer, desk.take);
        await becomes(() => expect(desk.deliveries).toHaveLength(3));
        const bySequence = (sequence: number) => desk.deliveries.find((one) => one.sequence === sequence);
        bySequence(1)?.ack();
        bySequence(3)?.ack();
        await eventually(async () => expect(await floor()).toBe(1));
        bySequence(2)?.ack();
        await eventually(async () => expect(await floor()).toBe(3));
      });

      it('shares a durable consumer among those who take from it', async () => {
        const other = await subject.another();
        const desk = new Desk();
        bus.consume(factStream.name, deciderConsumer, desk.take);
        other.consume(factStream.name, deciderConsumer, desk.take);
        const texts = Array.from({ length: 50 }, (_, n) => `m${n}`);
        await Promise.all(texts.map((text) => bus.publish(fact(text), text)));
        await becomes(() => expect(desk.deliveries).toHaveLength(50));
        expect(new Set(desk.texts)).toEqual(new Set(texts));
      });

      it('takes no more once it is stopped, and still sends the answers that it is given', async () => {
        await bus.publish(fact('a'), 'a');
        const desk = new Desk();
        const share = bus.consume(factStream.name, deciderConsumer, desk.take);
        await becomes(() => expect(desk.deliveries).toHaveLength(1));
        await share.stop();
        await share.stop();
        desk.deliveries[0]?.ack();
        await eventually(async () => expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(1));
        await bus.publish(fact('b'), 'b');
        const later = new Desk();
        bus.consume(factStream.name, deciderConsumer, later.take);
        await becomes(() => expect(later.texts).toEqual(['b']));
        expect(desk.texts).toEqual(['a']);
      });

      it('lets everyone hear what passes, stored or not', async () => {
        const other = await subject.another();
        const heard: Message[] = [];
        const ear = other.subscribe('fairway.*.n1.>', (message) => void heard.push(message));
        await eventually(async () => {
          bus.broadcast({ subject: 'fairway.beat.n1.x', text: 'here' });
          await bus.epoch();
          expect(heard).not.toHaveLength(0);
        });
        heard.length = 0;
        bus.broadcast({ subject: 'fairway.beat.n2.x', text: 'not for it' });
        bus.broadcast({ subject: 'fairway.beat.n1.x', text: 'beat', trace: '00-t' });
        await bus.publish(fact('a'), 'a');
        await becomes(() =>
          expect(heard.map(({ text }) => text).filter((text) => text !== 'here')).toEqual(['beat', 'a']),
        );
        expect(heard.find(({ text }) => text === 'beat')).toEqual({
          subject: 'fairway.beat.n1.x',
          text: 'beat',
          trace: '00-t',
        });
        heard.length = 0;
        for (const text of ['1', '2', '3']) bus.broadcast({ subject: 'fairway.beat.n1.x', text });
        await becomes(() => expect(heard.map(({ text }) => text)).toEqual(['1', '2', '3']));
        await ear.stop();
      });

      it('tails the last message of each subject, then each new one', async () => {
        for (const text of ['a1', 'a2']) await bus.publish(fact(text, 'a'), text);
        await bus.publish(fact('b1', 'b'), 'b1');
        await bus.publish({ subject: 'fairway.fact.n2.task.a', text: 'other' }, 'other');
        const heard: { text: string; sequence: number }[] = [];
        const tail = bus.tail(
          factStream.name,
          'fairway.fact.n1.>',
          ({ text, sequence }) => void heard.push({ text, sequence }),
        );
        await becomes(() => expect(heard.map(({ text }) => text)).toEqual(['a2', 'b1']));
        await bus.publish(fact('a3', 'a'), 'a3');
        await becomes(() => expect(heard.map(({ sequence }) => sequence)).toEqual([2, 3, 5]));
        await tail.stop();
      });

      it('refuses a message that is larger than the bus takes', async () => {
        const text = 'x'.repeat(1024 * 1024);
        await expect(bus.publish(fact(text), 'large')).rejects.toThrow(MessageTooLarge);
        await expect(bus.mesh.put('service.large', text, 0)).rejects.toThrow(MessageTooLarge);
        expect(() => bus.broadcast(fact(text))).toThrow(MessageTooLarge);
        await bus.publish(fact('small'), 'small');
      });
    });

    describe('bucket', () => {
      beforeEach(() => bus.provision());

      it('writes by compare and swap', async () => {
        const first = await bus.mesh.put('node.a', 'one', 0);
        expect(await bus.mesh.get('node.a')).toEqual({ key: 'node.a', text: 'one', revision: first });
        await expect(bus.mesh.put('node.a', 'again', 0)).rejects.toThrow(RevisionConflict);
        const second = await bus.mesh.put('node.a', 'two', first);
        expect(second).toBeGreaterThan(first);
        const conflict = await bus.mesh.put('node.a', 'late', first).catch((error) => error);
        expect(conflict).toBeInstanceOf(RevisionConflict);
        expect(conflict).toMatchObject({ key: 'node.a', revision: first });
        expect((await bus.mesh.get('node.a'))?.text).toBe('two');
        expect(await bus.mesh.lastRevision()).toBe(second);
        expect(await bus.mesh.get('node.b')).toBeUndefined();
        await expect(bus.mesh.put('node.b', 'x', second)).rejects.toThrow(RevisionConflict);
      });

      it('deletes by compare and swap, and creates again after it', async () => {
        const first = await bus.mesh.put('node.a', 'one', 0);
        const second = await bus.mesh.put('node.a', 'two', first);
        await expect(bus.mesh.delete('node.a', first)).rejects.toThrow(RevisionConflict);
        await expect(bus.mesh.delete('node.a', 0)).rejects.toThrow(RevisionConflict);
        await bus.mesh.delete('node.a', second);
        const deleted = await bus.mesh.get('node.a');
        expect(deleted).toEqual({ key: 'node.a', revision: second + 1 });
        const again = await bus.mesh.put('node.a', 'three', 0);
        expect(await bus.mesh.get('node.a')).toEqual({ key: 'node.a', text: 'three', revision: again });
        await bus.mesh.delete('node.a', again);
        const marker = (await bus.mesh.get('node.a'))?.revision ?? 0;
        expect(await bus.mesh.put('node.a', 'four', marker)).toBe(marker + 1);
        await bus.mesh.delete('node.none', 0);
      });

      it('lets one of many who write at once succeed', async () => {
        const others = await Promise.all([subject.another(), subject.another(), subject.another()]);
        const results = await Promise.allSettled(others.map((one, n) => one.mesh.put('node.a', `${n}`, 0)));
        expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const result of results)
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(RevisionConflict);
      });

      it('begins, hands over what is there, says so, and goes on with each change in order', async () => {
        let revision = await bus.mesh.put('node.a', 'a1', 0);
        await bus.mesh.put('node.b', 'b1', 0);
        revision = await bus.mesh.put('node.a', 'a2', revision);
        const diary = new Diary();
        const following = bus.mesh.follow(diary);
        await becomes(() => expect(diary.caughtUps).toHaveLength(1));
        expect(diary.epochs).toEqual([await bus.epoch()]);
        expect(diary.lines).toEqual(['node.b=b1', 'node.a=a2']);
        expect(diary.caughtUps).toEqual([revision]);
        revision = await bus.mesh.put('node.a', 'a3', revision);
        await becomes(() => expect(diary.lines).toContain('node.a=a3'));
        await bus.mesh.delete('node.a', revision);
        await becomes(() => expect(diary.lines).toEqual(['node.b=b1', 'node.a=a2', 'node.a=a3', 'node.a=(deleted)']));
        expect(diary.revisions).toEqual([...new Set(diary.revisions)].sort((a, b) => a - b));
        expect(diary.caughtUps).toHaveLength(1);
        await following.stop();
        await bus.mesh.put('node.c', 'c1', 0);
        const other = new Diary();
        const again = bus.mesh.follow(other);
        await becomes(() => expect(other.lines).toContain('node.c=c1'));
        expect(diary.lines).not.toContain('node.c=c1');
        await again.stop();
      });

      it('says at once that a follower of an empty bucket has caught up', async () => {
        const diary = new Diary();
        bus.mesh.follow(diary);
        await becomes(() => expect(diary.caughtUps).toHaveLength(1));
        expect(diary.lines).toEqual([]);
      });

      it('tells several followers the same', async () => {
        const buses = [bus, await subject.another(), await subject.another()];
        const diaries = buses.map((one) => {
          const diary = new Diary();
          one.mesh.follow(diary);
          return diary;
        });
        for (let n = 0; n < 20; n++) await bus.mesh.put(`node.n${n}`, `${n}`, 0);
        const last = await bus.mesh.lastRevision();
        await becomes(() => {
          for (const diary of diaries) expect(diary.revisions.at(-1)).toBe(last);
        });
        for (const diary of diaries) expect(diary.lines).toHaveLength(20);
      });
    });

    describe('wiped', () => {
      it('has another epoch, and everyone goes on in it from its beginning', async () => {
        const before = await bus.provision();
        const diary = new Diary();
        const desk = new Desk();
        const tailed: string[] = [];
        bus.mesh.follow(diary);
        bus.consume(factStream.name, deciderConsumer, desk.take);
        bus.tail(factStream.name, 'fairway.fact.>', ({ text }) => void tailed.push(text));
        for (let n = 0; n < 5; n++) await bus.mesh.put(`node.old${n}`, 'old', 0);
        for (const text of ['old1', 'old2', 'old3']) await bus.publish(fact(text), text);
        await becomes(() => expect(desk.texts).toEqual(['old1', 'old2', 'old3']));
        await becomes(() => expect(diary.lines).toHaveLength(5));
        await becomes(() => expect(tailed).toContain('old3'));
        const held = desk.deliveries.slice();

        await subject.wipe();
        const after = await eventually(() => bus.provision());
        expect(after).not.toBe(before);
        await bus.mesh.put('node.new', 'new', 0);
        await bus.publish(fact('new1'), 'old1');
        await becomes(() => expect(diary.lines).toEqual(['node.new=new']));
        expect(diary.epochs).toEqual([before, after]);
        await becomes(() => expect(diary.caughtUps.length).toBeGreaterThan(0));
        await becomes(() => expect(desk.texts.at(-1)).toBe('new1'));
        await becomes(() => expect(tailed.at(-1)).toBe('new1'));

        // An answer to what is gone must not count for what has its sequence now.
        for (const delivery of held) delivery.ack();
        expect(desk.deliveries.at(-1)?.sequence).toBe(1);
        expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(0);
        desk.deliveries.at(-1)?.ack();
        await eventually(async () => expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(1));
      });

      it('is waited for by who follows, takes or tails before it is provisioned', async () => {
        const diary = new Diary();
        const desk = new Desk();
        const tailed: string[] = [];
        bus.mesh.follow(diary);
        bus.consume(factStream.name, deciderConsumer, desk.take);
        bus.tail(factStream.name, 'fairway.fact.>', ({ text }) => void tailed.push(text));
        const other = await subject.another();
        const epoch = await other.provision();
        await other.publish(fact('a'), 'a');
        await becomes(() => expect(diary.epochs).toEqual([epoch]));
        await becomes(() => expect(diary.caughtUps).toHaveLength(1));
        await becomes(() => expect(desk.texts).toEqual(['a']));
        await becomes(() => expect(tailed).toEqual(['a']));
      });
    });
  });
}
