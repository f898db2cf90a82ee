import type { Note } from '@fairway/mesh';

/** So much of the notes is told, characters of JSON: a bus message takes 1 MiB, and an outcome that is larger is lost. */
const charactersMax = 500_000;

/**
 * The notes as an outcome tells them: all of them, or where those are too many one for each thing that they are about,
 * with how many more there are, so that whoever waits for that thing goes on waiting.
 */
export function toldNotes(notes: readonly Note[], limit = charactersMax): readonly Note[] {
  if (size(notes) <= limit) return notes;
  const groups = Map.groupBy(notes, ({ kind, about }) => `${kind} ${about}`);
  const told: Note[] = [];
  let characters = 0;
  for (const [first, ...more] of groups.values()) {
    if (!first) continue;
    const note = more.length === 0 ? first : { ...first, why: `${first.why}, and ${more.length} more` };
    characters += size(note);
    if (characters > limit) break;
    told.push(note);
  }
  const left = groups.size - told.length;
  if (left > 0)
    told.push({ kind: 'waiting', about: 'mesh', why: `${left} more services or ports wait or are refused` });
  return told;
}

function size(value: unknown): number {
  return JSON.stringify(value).length;
}
