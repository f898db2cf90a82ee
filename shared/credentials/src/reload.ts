import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Server } from './registry.ts';
import { serverFiles } from './server-config.ts';

/** Which servers have been told to read their configuration again, and which are not on this machine or do not run. */
export type ServerNews = { readonly told: readonly string[]; readonly elsewhere: readonly string[] };

/**
 * Tells the servers on this machine to read their configuration again: SIGHUP, upon which nats-server cuts off whom it
 * no longer knows, and takes new certificates for new connections (docs.nats.io, Signals). One that is elsewhere is to
 * be given its folder anew, and told the same there.
 */
export async function reloadServers(servers: readonly Server[]): Promise<ServerNews> {
  const told: string[] = [];
  const elsewhere: string[] = [];
  for (const { name, dir } of servers) {
    const pid = await runningPid(join(dir, serverFiles.pid));
    if (pid !== undefined) process.kill(pid, 'SIGHUP');
    (pid === undefined ? elsewhere : told).push(name);
  }
  return { told, elsewhere };
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
