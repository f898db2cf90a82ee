import { expect, test } from 'vitest';
import { run } from './run.ts';
import { drawStory } from './story/draw.ts';
import { shrink } from './story/shrink.ts';
import type { Story } from './story/story.ts';

test('a story without misfortune ends as Docker says, and soon', async () => {
  const story = drawStory(1, 0);
  const wish = {
    replicas: 3,
    ports: [{ protocol: 'tcp' as const, published: 8000, target: 80 }],
    networks: [1],
    health: true,
    mode: 'vip' as const,
  };
  const { failures, quietMs, lines } = await run({
    ...story,
    events: [
      { atMs: 2_000, kind: 'create service', wish },
      { atMs: 8_000, kind: 'scale service', service: 0, replicas: 2 },
    ],
  });
  expect(failures).toEqual([]);
  expect(quietMs).toBeLessThan(5_000);
  expect(lines.filter(({ what }) => what.includes('starts'))).not.toEqual([]);
});

test('the same seed is the same run, line by line', { timeout: 30_000 }, async () => {
  const [first, second] = [await run(drawStory(3, 20)), await run(drawStory(3, 20))];
  expect(second).toEqual(first);
  expect(first.lines.length).toBeGreaterThan(50);
});

test('shrinking leaves the events that a failure takes', async () => {
  const story: Story = drawStory(5, 40);
  const [, second, , , , , , eighth] = story.events;
  const takes = [second, eighth];
  const tried: number[] = [];
  const { events } = await shrink(story, async (candidate) => {
    tried.push(candidate.events.length);
    return takes.every((event) => event && candidate.events.includes(event));
  });
  expect(events).toEqual(takes);
  expect(tried.length).toBeLessThan(120);
});
