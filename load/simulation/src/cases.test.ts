import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { run } from './run.ts';
import type { Story } from './story/story.ts';

// Stories that failed once, shrunk; README.md tells of each what was wrong.
const folder = new URL('../cases/', import.meta.url);

test.each(readdirSync(folder))('%s', { timeout: 30_000 }, async (file) => {
  const story = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Story;
  expect((await run(story)).failures).toEqual([]);
});
