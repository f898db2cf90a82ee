import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { ServerUnchanged } from './failures.ts';
import type { Server } from './registry.ts';
import { serverFiles } from './server-config.ts';

/** What became of the servers' configuration. */
export type ServerNews = {
  /** They have read it again, and said so. */
  readonly confirmed: readonly string[];
  /** They have been told to, and do not say whether they did: their monitoring port is not to be reached from here. */
  readonly unconfirmed: readonly string[];
  /** They are not on this machine, or do not run. */
  readonly elsewhere: readonly string[];
};

/** Reading it takes milliseconds. */
const takesMaxMs = 5_000;

/**
 * Tells the servers on this machine to read their configuration again: SIGHUP, upon which nats-server cuts off whom it
 * no longer knows, and takes new certificates for new connections (docs.nats.io, Signals). One that cannot read it goes on
 * with what it has, and tells nobody but its log; so each is asked whether it did. One that is elsewhere is to be given its
 * folder anew, and told the same there.
 * @throws {ServerUnchanged}
 */
export async function reloadServers(servers: readonly Server[]): Promise<ServerNews> {
  const reloads = await Promise.all(servers.map(async (server) => ({ name: server.name, end: await reload(server) })));
  const named = (wanted: End) => reloads.filter(({ end }) => end === wanted).map(({ name }) => name);
  const [unchanged, elsewhere] = [named('unchanged'), named('elsewhere')];
  if (unchanged.length > 0) throw new ServerUnchanged(unchanged, elsewhere);
  return { confirmed: named('confirmed'), unconfirmed: named('unconfirmed'), elsewhere };
}

type End = 'confirmed' | 'unconfirmed' | 'elsewhere' | 'unchanged';

async function reload(server: Server): Promise<End> {
  const before = await loadTime(server);
  const pidFile = join(server.dir, serverFiles.pid);
  const pid = await runningPid(pidFile);
  if (pid === undefined) return 'elsewhere';
  process.kill(pid, 'SIGHUP');
  if (before === undefined) return 'unconfirmed';
  const endMs = performance.now() + takesMaxMs;
  while (performance.now() < endMs) {
    const now = await loadTime(server);
    if (now !== undefined && now !== before) return 'confirmed';
    await pause(10);
  }
  return (await runningPid(pidFile)) === pid ? 'unchanged' : 'elsewhere';
}

/** Of /varz (docs.nats.io, Monitoring): when the configuration was read last. */
const varzSchema = z.object({ server_name: z.string(), config_load_time: z.string() });

/** As the server itself tells it; undefined where it cannot be asked, or another one answers there. */
async function loadTime({ name, monitorPort }: Server): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${monitorPort}/varz`, { signal: AbortSignal.timeout(1_000) });
    const { server_name, config_load_time } = varzSchema.parse(await answer.json());
    return server_name === name ? config_load_time : undefined;
  } catch {
    return undefined;
  }
}

/** The process that the file names, if it is a nats-server: a number may be another's by now. */
async function runningPid(file: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(file, 'utf8'));
    return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim() === 'nats-server' ? pid : undefined;
  } catch {
    return undefined;
  }
}
