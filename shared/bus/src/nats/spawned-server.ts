import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createServer, connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** What a server is started with, where it is not as SpawnedServer makes it. */
type Start = { readonly argv: readonly string[]; readonly isReady: () => Promise<boolean> };

/** A real nats-server with JetStream for tests and benchmarks, on a free port of 127.0.0.1, its files in a folder of its own. */
export class SpawnedServer {
  readonly url: string;
  readonly #dir: string;
  readonly #start: Start;
  #child: ChildProcess | undefined;
  #output = '';

  /** `dir` is where it stores what is stored, which `wipe` removes. */
  constructor(url: string, dir: string, start: Start) {
    this.url = url;
    this.#dir = dir;
    this.#start = start;
  }

  static async start(): Promise<SpawnedServer> {
    for (let tries = 1; ; tries++) {
      const server = await SpawnedServer.reserve();
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.remove();
        // Another program may have taken the port since it was found free.
        if (tries === 3) throw error;
      }
    }
  }

  /** Takes a port and a folder, and starts nothing yet; `options` are nats-server's own, beside those. */
  static async reserve(options: readonly string[] = []): Promise<SpawnedServer> {
    const port = await freePort();
    const dir = await mkdtemp(join(tmpdir(), 'fairway-nats-'));
    return new SpawnedServer(`nats://127.0.0.1:${port}`, dir, {
      argv: ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', dir, ...options],
      isReady: () => answers(port),
    });
  }

  /** Starts on the same port and, unless they were wiped, the same files. */
  async start(): Promise<void> {
    const child = spawn(serverPath(), this.#start.argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    const take = (chunk: Buffer) => {
      this.#output = `${this.#output}${chunk}`.slice(-20_000);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    this.#child = child;
    for (let tries = 0; ; tries++) {
      if (await this.#start.isReady()) return;
      if (child.exitCode !== null || tries > 500) throw new Error(`nats-server does not start:\n${this.#output}`);
      await pause(20);
    }
  }

  /** Of its process; undefined while it is stopped. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What it has said last. */
  get output(): string {
    return this.#output;
  }

  get #saved(): string {
    return `${this.#dir}.saved`;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /** Lets it stand still: it keeps its connections and answers nothing. */
  async freeze(): Promise<void> {
    this.#child?.kill('SIGSTOP');
    // The signal takes effect some time after kill has returned.
    while (!/\) T /.test(await readFile(`/proc/${this.#child?.pid}/stat`, 'utf8'))) await pause(1);
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Removes its files; to be called while it is stopped. */
  async wipe(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Copies its files aside; to be called while it is stopped. */
  async save(): Promise<void> {
    await cp(this.#dir, this.#saved, { recursive: true });
  }

  /** Gives it the files that were copied aside, as who restores a backup does; to be called while it is stopped. */
  async restore(): Promise<void> {
    await this.wipe();
    await rename(this.#saved, this.#dir);
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    await this.wipe();
    await rm(this.#saved, { recursive: true, force: true });
  }
}

/** FAIRWAY_NATS_SERVER, the one that the toolchain put into .tools, or the one on the PATH. */
function serverPath(): string {
  const root = join(import.meta.dirname, '../../../..');
  const places = [join(root, '.tools/bin'), ...(process.env.PATH ?? '').split(delimiter)];
  const found = process.env.FAIRWAY_NATS_SERVER ?? places.map((dir) => join(dir, 'nats-server')).find(existsSync);
  if (!found) throw new Error('No nats-server: npm run dev puts one into .tools; or name one in FAIRWAY_NATS_SERVER');
  return found;
}

/** Below those that the kernel gives to connections (ip_local_port_range, 32768 and up): none of these takes it meanwhile. */
const ports = { first: 20_000, count: 12_000 };
let asked = Math.floor(Math.random() * ports.count);

/** A port of 127.0.0.1 that nobody listens on now, another one each time. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = ports.first + (asked++ % ports.count);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
