import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { consoleUrls } from './fairway.ts';
import { enterNamespace } from './namespace.ts';
import { credentialsDir } from './nats.ts';
import { enterNode } from './node.ts';
import type { ClusterPlace } from './place.ts';
import { programArgv } from './program.ts';
import type { NodeRecord } from './state.ts';
import { lanNamespace } from './switch.ts';

/**
 * Commands for people: `fairway`, and one for each machine, named as it, which runs its arguments there, as ssh would:
 * `node1 curl 127.0.0.1:8000`, `client curl 10.99.0.11:8000`.
 */
export function writeShortcuts(place: ClusterPlace, nodes: readonly NodeRecord[]): void {
  const client = enterNamespace(lanNamespace(place));
  writeCommand(place, 'client', client);
  writeCommand(place, 'fairway', [...client, ...programArgv('cli')], {
    CONSOLE: consoleUrls(place).join(','),
    FAIRWAY_CREDENTIALS_DIR: credentialsDir(place),
  });
  for (const node of nodes) writeCommand(place, node.name, ['env', '-u', 'DOCKER_HOST', ...enterNode(node)]);
}

/** What a shell has to know to use a cluster, as variables. */
export function shellEnvironment(place: ClusterPlace, nodes: readonly NodeRecord[]): Record<string, string> {
  return {
    NODES: nodes.map((node) => node.address).join(' '),
    NAMESPACES: nodes.map((node) => node.namespace).join(' '),
    SOCKETS: nodes.map((node) => node.socket).join(' '),
    DOCKER_HOST: `unix://${nodes.find((node) => node.role === 'manager')?.socket ?? ''}`,
    CONSOLE: consoleUrls(place).join(','),
    PATH: [place.binDir, process.env.PATH].join(delimiter),
  };
}

/** Writes the same as a file for a shell to read with `.`, and returns its path. */
export function writeShellEnvironment(place: ClusterPlace, nodes: readonly NodeRecord[]): string {
  const { PATH: _, ...variables } = shellEnvironment(place, nodes);
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  const file = join(place.dataDir, 'env');
  writeFileSync(file, `${lines.join('')}export PATH=${quote(place.binDir)}:"$PATH"\n`);
  return file;
}

/** `standard` are variables that the caller's environment may override. */
function writeCommand(
  place: ClusterPlace,
  name: string,
  argv: readonly string[],
  standard: Record<string, string> = {},
): void {
  mkdirSync(place.binDir, { recursive: true });
  const file = join(place.binDir, name);
  const variables = Object.entries(standard).map(([key, value]) => `export ${key}="\${${key}:-${value}}"\n`);
  writeFileSync(file, `#!/bin/sh\n${variables.join('')}exec ${argv.map(quote).join(' ')} "$@"\n`);
  chmodSync(file, 0o755);
}

/** A word as a shell reads it back. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
