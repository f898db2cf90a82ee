import * as z from 'zod';

/**
 * The version of everything on the bus and in its bucket. Further fields need no new one. A release that changes what
 * is there already reads both versions and writes the old one; the release after it writes the new one (decision 0012).
 */
export const schemaVersion = 1;

/** The field `schema` of all that is read; another version is told by its number. */
export const version = z.literal(schemaVersion, {
  error: ({ input }) =>
    typeof input === 'number'
      ? `version ${input} is none that this release reads, which is ${schemaVersion}`
      : 'no version of a schema',
});
