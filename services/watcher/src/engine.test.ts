import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Docker, DockerMalformed, type Malformed } from './docker.ts';
import { connectDocker } from './engine.ts';

// A Docker that answers every request with one text, on a socket of its own.

let folder: string;
let server: Server;
let docker: Docker;
let answer: string;
const asked: (string | undefined)[] = [];
const told: Malformed[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-engine-'));
  const socket = join(folder, 'docker.sock');
  asked.length = 0;
  told.length = 0;
  server = createServer(({ url }, response) => {
    asked.push(url);
    response.setHeader('content-type', 'application/json').end(answer);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  docker = connectDocker({ socket });
  docker.onMalformed((malformed) => told.push(malformed));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

it('what cannot be an id of Swarm’s is not asked for', async () => {
  answer = '{}';
  for (const id of ['web/logs?follow=1', 'a', '', 'A'.repeat(25), 'a'.repeat(26)]) {
    expect(await docker.inspectService(id)).toBeUndefined();
    expect(await docker.inspectTask(id)).toBeUndefined();
    expect(await docker.inspectNode(id)).toBeUndefined();
    expect(await docker.inspectNetwork(id)).toBeUndefined();
  }
  expect(asked).toEqual([]);
  await expect(docker.inspectTask('a'.repeat(25))).rejects.toThrow(DockerMalformed);
});

it('an answer that is nested too deep to be told is put aside, and the others of its listing count', async () => {
  const network = { Id: 'n1', Name: 'back', Driver: 'overlay', Scope: 'swarm' };
  answer = `[{"Id":${'['.repeat(10_000)}${']'.repeat(10_000)}},${JSON.stringify(network)}]`;
  expect(await docker.listNetworks()).toMatchObject({ fit: [{ Id: 'n1' }], aside: ['without an id'] });
  expect(told).toMatchObject([{ text: 'what cannot be written as JSON' }]);
});
