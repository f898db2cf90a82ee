import { describe, expect, it, onTestFailed } from 'vitest';
import { BusUnavailable, RevisionConflict } from '../bus.ts';
import { becomes, busContract, Desk, Diary, fact } from '../bus-contract.ts';
import { keys } from '../keys.ts';
import { deciderConsumer, factStream } from '../streams.ts';
import { NobodyAnswers } from '../unanswered.ts';
import { createMemoryBus } from './create-memory-bus.ts';
import { roughly } from './faults.ts';
import { SimulatedClock } from './simulated-clock.ts';

busContract('The stand-in', async () => {
  const bus = createMemoryBus();
  return {
    bus,
    another: async () => bus.another(),
    wipe: async () => bus.wipe(),
    close: () => bus.close(),
  };
});

/** Writes texts 1 to `count` into each of the keys, as deciders do: read, write on what was read, again on a conflict. */
async function writeAll(bus: ReturnType<typeof createMemoryBus>, key: string, count: number): Promise<void> {
  for (let done = false; !done; ) {
    try {
      const held = await bus.mesh.get(key);
      const next = Number(held?.text ?? 0) + 1;
      if (next > count) done = true;
      else await bus.mesh.put(key, `${next}`, held?.revision ?? 0);
    } catch (error) {
      if (!(error instanceof BusUnavailable || error instanceof RevisionConflict)) throw error;
    }
  }
}

async function publishAll(bus: ReturnType<typeof createMemoryBus>, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    for (let done = false; !done; ) {
      done = await bus.publish(fact(text), text).then(
        () => true,
        (error) => {
          if (error instanceof BusUnavailable) return false;
          throw error;
        },
      );
    }
  }
}

/** A run of everything under all faults; what it answers must be the same for the same seed. */
async function run(seed: number) {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ seed, faults: roughly, clock });
  const others = [bus.another(), bus.another()];
  const work = async () => {
    for (let done = false; !done; ) {
      done = await bus.provision().then(
        () => true,
        () => false,
      );
    }
    const diaries = [bus, ...others].map((one) => {
      const diary = new Diary();
      one.mesh.follow(diary);
      return diary;
    });
    const deliveries: string[] = [];
    const acked = new Set<string>();
    for (const one of others) {
      one.consume(factStream.name, deciderConsumer, (delivery) => {
        deliveries.push(`${delivery.text}.${delivery.attempt}`);
        acked.add(delivery.text);
        delivery.ack();
      });
    }
    const texts = Array.from({ length: 100 }, (_, n) => `f${n}`);
    await Promise.all([
      writeAll(bus, 'node.a', 40),
      writeAll(others[0] ?? bus, 'node.a', 40),
      writeAll(others[1] ?? bus, 'node.b', 40),
      publishAll(bus, texts),
    ]);
    bus.setFaults({});
    return { diaries, deliveries, acked, texts };
  };
  const outcome = await clock.settle(work(), 120_000);
  const floor = await clock.settle(bus.ackFloor(factStream.name, deciderConsumer));
  const last = await clock.settle(bus.mesh.lastRevision());
  return { ...outcome, floor, last, atMs: clock.nowMs() };
}

describe('The stand-in under faults', () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`loses and invents nothing, seed ${seed}`, async () => {
      onTestFailed(() => console.error(`seed ${seed}`));
      const { diaries, acked, texts, floor, last } = await run(seed);
      for (const diary of diaries) {
        expect(diary.revisions).toEqual([...new Set(diary.revisions)].sort((a, b) => a - b));
        expect(diary.revisions.at(-1)).toBe(last);
        expect(diary.lines.findLast((line) => line.startsWith('node.a'))).toBe('node.a=40');
        expect(diary.lines.findLast((line) => line.startsWith('node.b'))).toBe('node.b=40');
        expect(diary.epochs).toHaveLength(1);
      }
      expect([...acked].sort()).toEqual([...texts].sort());
      expect(floor).toBe(100);
    });
  }

  it('does double, delay past each other and deliver again', async () => {
    const { deliveries, texts } = await run(1);
    expect(deliveries.length).toBeGreaterThan(texts.length);
    const first = deliveries.filter((line) => line.endsWith('.1')).map((line) => line.slice(0, -2));
    expect(first).not.toEqual(texts);
    expect(new Set(first).size).toBe(first.length);
  });

  it('does the same for the same seed, and something else for another', async () => {
    const [once, again, other] = [await run(11), await run(11), await run(12)];
    expect(again.deliveries).toEqual(once.deliveries);
    expect(again.diaries.map(({ revisions }) => revisions)).toEqual(once.diaries.map(({ revisions }) => revisions));
    expect(again.atMs).toBe(once.atMs);
    expect(other.deliveries).not.toEqual(once.deliveries);
  });

  it('doubles a delivery although it is acked, when that is all it is to do', async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock, faults: { doubled: 1 } });
    await clock.settle(bus.provision());
    const desk = new Desk();
    bus.consume(factStream.name, deciderConsumer, (delivery) => {
      desk.take(delivery);
      delivery.ack();
    });
    await clock.settle(bus.publish(fact('a'), 'a'), 60_000);
    expect(desk.deliveries.map(({ text, attempt }) => `${text}.${attempt}`)).toEqual(['a.1', 'a.2']);
  });

  it('fails a write that it made, and one that it did not make', async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ seed: 3, clock });
    await clock.settle(bus.provision());
    bus.setFaults({ failed: 1 });
    for (let n = 0; n < 20; n++) {
      const error = await clock.settle(bus.mesh.put(`node.n${n}`, 'x', 0).catch((caught) => caught));
      expect(error).toBeInstanceOf(BusUnavailable);
    }
    bus.setFaults({});
    const written = (await clock.settle(bus.mesh.lastRevision())) - 1;
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(20);
  });
});

describe('The stand-in cut off', () => {
  it('answers nothing, lets others go on, and goes on where it was', async () => {
    const bus = createMemoryBus();
    const other = bus.another();
    await bus.provision();
    const diary = new Diary();
    const states: string[] = [];
    bus.onState((state) => void states.push(state));
    bus.mesh.follow(diary);
    await other.mesh.put('node.a', '1', 0);
    await becomes(() => expect(diary.lines).toEqual(['node.a=1']));
    bus.cut();
    await expect(bus.mesh.get('node.a')).rejects.toThrow(BusUnavailable);
    await other.mesh.put('node.b', '1', 0);
    expect(diary.lines).toEqual(['node.a=1']);
    expect(diary.isCurrent).toBe(false);
    bus.mend();
    await becomes(() => expect(diary.lines).toEqual(['node.a=1', 'node.b=1']));
    await becomes(() => expect(diary.caughtUps).toHaveLength(2));
    expect(diary.isCurrent).toBe(true);
    expect(states).toEqual(['lost', 'connected']);
    expect(diary.entries.filter(({ key }) => key === keys.epoch)).toHaveLength(1);
  });

  it('sends the answers that were given meanwhile, and delivers to another what has none', async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock });
    const other = bus.another();
    await clock.settle(bus.provision());
    const desk = new Desk();
    bus.consume(factStream.name, deciderConsumer, desk.take);
    await clock.settle(Promise.all(['a', 'b'].map((text) => bus.publish(fact(text), text))));
    await clock.settle(Promise.resolve(), 10);
    expect(desk.texts).toEqual(['a', 'b']);
    bus.cut(100);
    desk.deliveries[0]?.ack();
    await clock.settle(Promise.resolve(), 1000);
    expect(await clock.settle(bus.ackFloor(factStream.name, deciderConsumer))).toBe(1);
    bus.cut();
    const later = new Desk();
    other.consume(factStream.name, deciderConsumer, later.take);
    await clock.settle(Promise.resolve(), 2_000);
    expect(later.deliveries.map(({ text, attempt }) => `${text}.${attempt}`)).toEqual(['b.2']);
  });

  it('does what was asked for only once it hears of it, where what it is told does not arrive', async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock });
    const mute = bus.another();
    await clock.settle(bus.provision());
    const heard: string[] = [];
    bus.subscribe('fairway.fact.>', ({ text }) => void heard.push(text));
    mute.cutHalf('outward');
    mute.broadcast(fact('said'));
    const error = await clock.settle(mute.mesh.put('node.a', '1', 0).catch((caught) => caught));
    expect(error).toBeInstanceOf(BusUnavailable);
    expect(heard).toEqual([]);
    expect(await clock.settle(bus.mesh.get('node.a'))).toBeUndefined();
    mute.mend();
    expect(await clock.settle(bus.mesh.get('node.a'))).toMatchObject({ text: '1' });
    expect(heard).toEqual(['said']);
  });

  it('has done what it has no answer to, where what it says does not arrive, and tells the rest afterwards', async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock });
    const deaf = bus.another();
    await clock.settle(bus.provision());
    const diary = new Diary();
    const states: string[] = [];
    deaf.onState((state) => void states.push(state));
    deaf.mesh.follow(diary);
    await clock.settle(Promise.resolve(), 10);
    deaf.cutHalf('inward');
    const error = await clock.settle(deaf.mesh.put('node.a', '1', 0).catch((caught) => caught));
    expect(error).toBeInstanceOf(BusUnavailable);
    expect(await clock.settle(bus.mesh.get('node.a'))).toMatchObject({ text: '1' });
    expect(diary.lines).toEqual([]);
    deaf.mend();
    await clock.settle(Promise.resolve(), 10);
    expect(diary.lines).toEqual(['node.a=1']);
    expect(states).toEqual([]);
  });

  it('is lost where one direction carries nothing for long, and what was under way with it', async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock });
    const mute = bus.another();
    await clock.settle(bus.provision());
    const states: string[] = [];
    mute.onState((state) => void states.push(state));
    mute.cutHalf('outward');
    const put = mute.mesh.put('node.a', '1', 0).catch(() => {});
    await clock.settle(put, 10_000);
    expect(states).toEqual(['lost']);
    mute.mend();
    expect(states).toEqual(['lost', 'connected']);
    expect(await clock.settle(bus.mesh.get('node.a'))).toBeUndefined();
  });

  it('stores nothing without a majority, and passes messages among those that are without it', async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock });
    const apart = [bus.another(), bus.another()] as const;
    await clock.settle(bus.provision());
    const diary = new Diary();
    const heard: string[] = [];
    apart[0].mesh.follow(diary);
    for (const [n, one] of [bus, ...apart].entries())
      one.subscribe('fairway.fact.>', ({ text }) => void heard.push(`${n} ${text}`));
    apart[0].answer('a question', async (text) => `${text}, answered`);
    await clock.settle(Promise.resolve(), 10);
    for (const one of apart) one.part();
    const error = await clock.settle(apart[1].mesh.put('node.a', '1', 0).catch((caught) => caught));
    expect(error).toBeInstanceOf(BusUnavailable);
    await clock.settle(bus.mesh.put('node.b', '1', 0));
    apart[1].broadcast(fact('among few'));
    bus.broadcast(fact('among most'));
    expect(await clock.settle(apart[1].ask('a question', 'asked', 1000))).toBe('asked, answered');
    await expect(clock.settle(bus.ask('a question', 'asked', 1000))).rejects.toThrow(NobodyAnswers);
    expect(heard.sort()).toEqual(['0 among most', '1 among few', '2 among few']);
    expect(diary.lines).toEqual([]);
    for (const one of apart) one.mend();
    await clock.settle(Promise.resolve(), 10);
    expect(diary.lines).toEqual(['node.b=1']);
  });

  it('hands what nobody was there for to the next who comes, without a wait', async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock });
    await clock.settle(bus.provision());
    const desk = new Desk();
    const taking = bus.consume(factStream.name, deciderConsumer, desk.take);
    await clock.settle(bus.publish(fact('a'), 'a'), 10);
    desk.deliveries[0]?.retry(100);
    await taking.stop();
    await clock.settle(Promise.resolve(), 1000);
    const later = new Desk();
    bus.consume(factStream.name, deciderConsumer, later.take);
    await clock.settle(Promise.resolve(), 10);
    expect(later.deliveries.map(({ text, attempt }) => `${text}.${attempt}`)).toEqual(['a.2']);
  });

  it('forgets a message id after the window, and messages after their age', async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock });
    await clock.settle(bus.provision());
    await clock.settle(bus.publish(fact('a'), 'a'));
    await clock.settle(Promise.resolve(), factStream.dedupMs);
    await clock.settle(bus.publish(fact('again'), 'a'));
    await clock.settle(Promise.resolve(), factStream.ageMaxMs - 1000);
    const heard: string[] = [];
    bus.tail(factStream.name, 'fairway.fact.>', ({ text }) => void heard.push(text));
    await clock.settle(Promise.resolve(), 10);
    expect(heard).toEqual(['again']);
  });
});
