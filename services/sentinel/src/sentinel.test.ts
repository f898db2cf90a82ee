import { shutMs } from '@fairway/bus';
import { describe, expect, test } from 'vitest';
import { openLab, type SentinelLab } from './sentinel-lab.ts';

const three = ['n1', 'n2', 'n3'];

describe('a node that is lost', () => {
  test('is taken down when its peers do not reach it, by verdict at once and on record', async () => {
    const lab = await openLab(three);
    lab.lose('n3');
    await lab.until(() => lab.verdicts.length > 0);
    expect(lab.sinceLostMs).toBeLessThan(1_000);
    expect(lab.verdicts[0]).toMatchObject({ node: 'n3', by: 'memory', after: 0, incarnation: { boot: 'boot-n3' } });
    expect(lab.verdicts[0]?.votes).toEqual(
      expect.arrayContaining([
        { peer: 'n1', sight: 'silent' },
        { peer: 'n2', sight: 'silent' },
      ]),
    );
    await lab.until(() => lab.stateOf('n3') === 'down');
    const said = lab.verdicts.length;
    await lab.pass(5_000);
    expect(lab.verdicts.length, 'what is on record needs no verdict any more').toBe(said);
    expect(lab.writes).toBe(1);
  });

  test('keeps its traffic where only its beats are lost, and it is said', async () => {
    const lab = await openLab(three);
    lab.mute('n3');
    await lab.pass(10_000);
    expect(lab.verdicts).toEqual([]);
    expect(lab.stateOf('n3')).toBeUndefined();
    expect(lab.outlook).toEqual({ sentinel: 'memory', expected: 3, unheard: ['n3'], blind: false });
    lab.lose('n3');
    await lab.until(() => lab.stateOf('n3') === 'down');
  });

  test('is taken down by the only peer there is', async () => {
    const lab = await openLab(['n1', 'n2']);
    lab.lose('n2');
    await lab.until(() => lab.stateOf('n2') === 'down');
  });

  test('is not taken down by one of two peers because the other one has just missed a beat', async () => {
    const lab = await openLab(three);
    lab.cut('n1', 'n3');
    lab.mute('n3');
    await lab.pass(150);
    lab.mute('n2');
    await lab.pass(10_000);
    expect(lab.stateOf('n3')).toBeUndefined();
  });

  test('is not taken down by one of two peers', async () => {
    const lab = await openLab(three);
    lab.cut('n1', 'n3');
    lab.mute('n3');
    await lab.pass(10_000);
    expect(lab.stateOf('n3')).toBeUndefined();
  });

  test('is said to be down again and again for as long as that cannot be recorded', async () => {
    const lab = await openLab(three);
    lab.refuseWrites(true);
    lab.lose('n3');
    await lab.until(() => lab.verdicts.length >= 4);
    expect(lab.stateOf('n3')).toBeUndefined();
    lab.refuseWrites(false);
    await lab.until(() => lab.stateOf('n3') === 'down');
  });

  test('is said to be up again on record, though it was never recorded to be down', async () => {
    const lab = await openLab(three);
    lab.refuseWrites(true);
    lab.lose('n3');
    await lab.until(() => lab.verdicts.length > 0);
    lab.find('n3');
    await lab.pass(5_000);
    lab.refuseWrites(false);
    await lab.until(() => lab.stateOf('n3') === 'up');
    await lab.pass(5_000);
    expect(lab.writes).toBe(1);
  });

  test('is down again in a bucket that was made anew', async () => {
    const lab = await openLab(three);
    lab.lose('n3');
    await lab.until(() => lab.stateOf('n3') === 'down');
    await lab.wipe();
    await lab.until(() => lab.stateOf('n3') === 'down');
  });
});

describe('blindness', () => {
  test('a sentinel that hears nobody takes nobody down', async () => {
    const lab = await openLab(three);
    lab.deafen(true);
    await lab.pass(20_000);
    expect(lab.verdicts).toEqual([]);
    expect(lab.outlook).toMatchObject({ unheard: three, blind: true });
    lab.deafen(false);
    await lab.pass(3_000);
    expect(lab.outlook).toMatchObject({ unheard: [], blind: false });
    expect(lab.writes).toBe(0);
  });

  test('a loss of most nodes counts when it is confirmed', async () => {
    const lab = await openLab(['n1', 'n2', 'n3', 'n4', 'n5']);
    const lost = ['n2', 'n3', 'n4'];
    for (const node of lost) lab.lose(node);
    await lab.until(() => lost.every((node) => lab.stateOf(node) === 'down'));
  });

  test('one observer who is left of three nodes takes the two others down by itself one after the other, not at once', async () => {
    const lab = await openLab(three);
    lab.lose('n2');
    await lab.until(() => lab.stateOf('n2') === 'down');
    lab.lose('n3');
    await lab.until(() => lab.stateOf('n3') === 'down');
    const other = await openLab(three);
    other.lose('n2');
    other.lose('n3');
    await other.pass(20_000);
    expect([other.stateOf('n2'), other.stateOf('n3')]).toEqual([undefined, undefined]);
    expect(other.outlook).toMatchObject({ unheard: ['n2', 'n3'], blind: true });
  });
});

describe('a node that comes back', () => {
  const taken = async (): Promise<SentinelLab> => {
    const lab = await openLab(three);
    lab.lose('n3');
    await lab.until(() => lab.stateOf('n3') === 'down');
    return lab;
  };

  test('is up again after a steady second', async () => {
    const lab = await taken();
    lab.find('n3');
    await lab.pass(900);
    expect(lab.stateOf('n3')).toBe('down');
    await lab.until(() => lab.stateOf('n3') === 'up');
    expect(lab.writes).toBe(2);
  });

  test('is not, as long as its peers do not reach it', async () => {
    const lab = await taken();
    lab.cut('n1', 'n3');
    lab.cut('n2', 'n3');
    lab.find('n3');
    await lab.pass(10_000);
    expect(lab.stateOf('n3')).toBe('down');
  });

  test('is not at once where its peers cannot say whether they reach it, and then by its beats', async () => {
    const lab = await taken();
    for (const peer of ['n1', 'n2']) lab.blindfold(peer);
    lab.find('n3');
    await lab.pass(1_500);
    expect(lab.stateOf('n3')).toBe('down');
    await lab.until(() => lab.stateOf('n3') === 'up');
  });

  test('is not by its beats alone in a life whose complete listing is not in the mesh; with it there is nothing to say', async () => {
    const lab = await taken();
    lab.boot('n3', 'later');
    lab.find('n3');
    await lab.pass(10_000);
    expect(lab.stateOf('n3')).toBe('down');
    await lab.list('n3');
    await lab.pass(10_000);
    expect(lab.recordOf('n3')).toMatchObject({ state: 'down', incarnation: { boot: 'boot-n3' } });
    expect(lab.writes, 'whoever sends to it serves a life as soon as it is listed').toBe(1);
    expect(lab.outlook).toMatchObject({ unheard: [] });
  });

  test('is not taken down in a new life because its beats are lost, by whoever took it down before or begins now', async () => {
    const lab = await taken();
    lab.mute('n3');
    lab.boot('n3', 'later');
    lab.find('n3');
    await lab.list('n3');
    lab.another();
    const said = lab.verdicts.length;
    await lab.pass(20_000);
    expect(lab.recordOf('n3')?.incarnation?.boot).toBe('boot-n3');
    expect(lab.verdicts.length).toBe(said);
    expect(lab.outlook).toMatchObject({ unheard: ['n3'] });
  });

  test('is down in the life that was listed last, though it was listed late', async () => {
    const lab = await taken();
    lab.boot('n3', 'later');
    await lab.list('n3');
    await lab.until(() => lab.recordOf('n3')?.incarnation?.boot === 'later');
    expect(lab.stateOf('n3')).toBe('down');
  });
});

test('of two sentinels one records what both see, and a third goes on from there', async () => {
  const lab = await openLab(three, { sentinels: 2 });
  lab.lose('n3');
  await lab.until(() => lab.stateOf('n3') === 'down');
  await lab.pass(5_000);
  expect(lab.writes).toBe(1);
  lab.another();
  await lab.pass(5_000);
  expect(lab.writes).toBe(1);
  lab.find('n3');
  await lab.until(() => lab.stateOf('n3') === 'up');
  await lab.pass(5_000);
  expect(lab.writes).toBe(2);
});

test('what is recorded of a node is forgotten when it has left the swarm', async () => {
  const lab = await openLab(three);
  lab.lose('n3');
  await lab.until(() => lab.stateOf('n3') === 'down');
  await lab.leave('n3');
  await lab.until(() => lab.stateOf('n3') === undefined);
  await lab.pass(5_000);
  expect(lab.stateOf('n3')).toBeUndefined();
  expect(lab.writes).toBe(1);
});

test('a loss is said again for as long as the epoch is not complete: who waits for that does not go by its record', async () => {
  const lab = await openLab(three);
  await lab.wipe({ complete: false });
  lab.lose('n3');
  await lab.until(() => lab.stateOf('n3') === 'down');
  const said = lab.verdicts.length;
  await lab.pass(20_000);
  expect(lab.verdicts.length - said).toBeGreaterThan(15);
});

test('a peer that cannot say anything is not asked again and again while there are others', async () => {
  const lab = await openLab(['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7']);
  for (const node of ['n1', 'n2', 'n3', 'n4']) lab.blindfold(node);
  lab.lose('n7');
  await lab.until(() => lab.stateOf('n7') === 'down');
});

test('a node that has left the swarm has no say, though it goes on beating', async () => {
  const lab = await openLab(['n1', 'n2', 'n3', 'n4']);
  await lab.leave('n4');
  lab.cut('n4', 'n3');
  lab.cut('n1', 'n3');
  lab.mute('n3');
  await lab.pass(10_000);
  expect(lab.stateOf('n3')).toBeUndefined();
});

describe('a node that floods with beats', () => {
  const floodFor = async (lab: SentinelLab, seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      lab.flood('n1', 10_000);
      await lab.pass(1_000);
    }
  };

  test('is not heard for a while, and named; it keeps its traffic, and others are lost as fast as ever', async () => {
    const lab = await openLab(three);
    await floodFor(lab, 5);
    expect(lab.throttled).toEqual(new Set(['n1']));
    expect(lab.outlook).toMatchObject({ unheard: ['n1'], blind: false });
    expect(lab.verdicts).toEqual([]);
    lab.lose('n3');
    await lab.until(() => lab.verdicts.length > 0);
    expect(lab.sinceLostMs).toBeLessThan(1_000);
    expect(lab.verdicts[0]).toMatchObject({ node: 'n3' });
  });

  test('keeps nobody from being heard by a sentinel that begins amid it', async () => {
    const lab = await openLab(three, { sentinels: 0 });
    lab.flood('n1', 10_000);
    lab.another();
    lab.flood('n1', 10_000);
    await floodFor(lab, 5);
    expect(lab.outlook).toMatchObject({ unheard: ['n1'], blind: false });
    lab.lose('n3');
    await lab.until(() => lab.verdicts.length > 0);
    expect(lab.verdicts[0]).toMatchObject({ node: 'n3' });
  });

  test('floods by few large messages as by many small ones', async () => {
    const lab = await openLab(three);
    lab.flood('n1', 10, 'x'.repeat(1_000_000));
    await lab.pass(2_000);
    expect(lab.throttled).toEqual(new Set(['n1']));
  });

  test('is heard again once it does no more; beats as fast as may be, or at once after ten seconds, are no flood', async () => {
    const lab = await openLab(three);
    lab.flood('n1', 10_000);
    await lab.pass(shutMs + 3_000);
    expect(lab.outlook).toMatchObject({ unheard: [] });
    for (let second = 0; second < 5; second++) {
      lab.flood('n2', 100);
      await lab.pass(1_000);
    }
    lab.flood('n3', 1_000);
    await lab.pass(1_000);
    expect(lab.throttled).toEqual(new Set(['n1']));
  });
});
