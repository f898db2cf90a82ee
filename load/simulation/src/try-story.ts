import { run } from './run.ts';
import { drawStory } from './story/draw.ts';
import { shrink } from './story/shrink.ts';
import type { Story } from './story/story.ts';

/** What a story came to, short enough to be sent from one thread to another. */
export type Verdict = { readonly seed: number; readonly failures: readonly string[]; readonly quietMs: number };

export async function trySeed(seed: number, steps: number): Promise<Verdict> {
  const { failures, quietMs } = await tried(drawStory(seed, steps));
  return { seed, failures, quietMs };
}

/** The story with as few events as still fail; the story itself where it does not fail. */
export async function shrunk(story: Story): Promise<Story> {
  const fails = async (candidate: Story) => (await tried(candidate)).failures.length > 0;
  return (await fails(story)) ? shrink(story, fails) : story;
}

/** As `run`; whatever the code under test throws is one more failure. */
export async function tried(story: Story) {
  try {
    return await run(story);
  } catch (error) {
    const thrown = error instanceof Error ? (error.stack ?? error.message) : `${error}`;
    return { failures: [`thrown: ${thrown}`], lines: [], quietMs: 0 };
  }
}
