import { createHash } from 'node:crypto';
import * as z from 'zod';
import { explain } from './parse-text.ts';
import type { MeshEntries } from './replica.ts';
import * as schema from './schema.ts';

/** The format of the cache; a reader refuses others, and starts without a cache. */
export const cacheFormat = 1;

/** The first line of the cache on disk. The rest is its body, one `[key, text]` per line. */
const cacheHeader = z.object({
  format: z.literal(cacheFormat),
  /** Swarm's cluster id: a node that joined another swarm must not serve the old one's mesh. */
  swarm: schema.id,
  epoch: schema.id,
  revision: schema.index,
  /** SHA-256 of the body, hexadecimal. */
  checksum: z.string().length(64),
});
/** What a cache of every format says of itself. */
const anyHeader = z.object({ format: z.int() });
const cacheLine = z.tuple([z.string(), z.string()]);

/** The cache on disk cannot be used, and why. The rules in the kernel stay; the mesh is read from the bus. */
export class CacheUnusable extends Error {
  readonly reason: string;
  constructor(reason: string, options?: ErrorOptions) {
    super(`CacheUnusable: ${reason}`, options);
    this.reason = reason;
  }
}

/** The text of a cache file for this mesh. */
export function writeCache(swarm: string, mesh: MeshEntries): string {
  const body = [...mesh.entries].map((entry) => `${JSON.stringify(entry)}\n`).join('');
  const { epoch, revision } = mesh;
  return `${JSON.stringify({ format: cacheFormat, swarm, epoch, revision, checksum: sha256(body) })}\n${body}`;
}

/**
 * Reads a cache file.
 *
 * @throws {CacheUnusable} when it is damaged, cut short, of another format or of another swarm.
 */
export function readCache(swarm: string, text: string): MeshEntries {
  const end = text.indexOf('\n');
  if (end < 0) throw new CacheUnusable('it is cut short');
  const first = text.slice(0, end);
  const { format } = parse(first, anyHeader);
  if (format !== cacheFormat)
    throw new CacheUnusable(`it is of format ${format}, written by another release; this one reads ${cacheFormat}`);
  const header = parse(first, cacheHeader);
  if (header.swarm !== swarm) throw new CacheUnusable(`it is of swarm ${header.swarm}, this node is in ${swarm}`);
  const body = text.slice(end + 1);
  if (sha256(body) !== header.checksum)
    throw new CacheUnusable('its checksum does not match: it is damaged or cut short');
  const entries = new Map(
    body
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => parse(line, cacheLine)),
  );
  return { epoch: header.epoch, revision: header.revision, entries };
}

function parse<T>(line: string, shape: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new CacheUnusable('a line is not JSON', { cause });
  }
  const parsed = shape.safeParse(json);
  if (!parsed.success) throw new CacheUnusable(explain(parsed.error));
  return parsed.data;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
