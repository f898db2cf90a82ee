import type { Story, StoryEvent } from './story.ts';

/**
 * The story with the fewest events that still fails, as far as leaving out one part after the other finds it: halves
 * first, then ever smaller parts, down to single events (Zeller and Hildebrandt, "Simplifying and isolating
 * failure-inducing input", 2002).
 */
export async function shrink(story: Story, fails: (story: Story) => Promise<boolean>): Promise<Story> {
  let events = story.events;
  for (let parts = 2; events.length > 0; ) {
    const size = Math.ceil(events.length / parts);
    const smaller = await firstThatFails(story, without(events, size), fails);
    if (smaller) {
      events = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size > 1) parts = Math.min(events.length, parts * 2);
    else break;
  }
  return { ...story, events };
}

/** The events without each part of this size in turn. */
function without(events: readonly StoryEvent[], size: number): StoryEvent[][] {
  const starts = Array.from({ length: Math.ceil(events.length / size) }, (_, n) => n * size);
  return starts.map((start) => [...events.slice(0, start), ...events.slice(start + size)]);
}

async function firstThatFails(
  story: Story,
  candidates: readonly StoryEvent[][],
  fails: (story: Story) => Promise<boolean>,
): Promise<readonly StoryEvent[] | undefined> {
  for (const events of candidates) if (await fails({ ...story, events })) return events;
  return undefined;
}
