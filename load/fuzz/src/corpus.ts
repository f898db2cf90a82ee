import { readdirSync, readFileSync } from 'node:fs';

/** The inputs that were kept, by their files' names: what they found is mended, and each is tried first. */
export function corpus<Case>(kind: 'docker' | 'bus'): [string, Case][] {
  const folder = new URL(`../corpus/${kind}/`, import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => [file.replace(/\.json$/, ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Case]);
}
