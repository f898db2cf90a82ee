import { request } from 'node:http';
import type { Readable } from 'node:stream';

/** Docker answered a request with an error. */
export class EngineRejected extends Error {
  readonly status: number;

  constructor(what: string, status: number, said: string) {
    super(`Docker refused ${what} with status ${status}: ${said}`);
    this.name = 'EngineRejected';
    this.status = status;
  }
}

/** Docker could not be reached on its socket. */
export class EngineUnreachable extends Error {
  constructor(what: string, socket: string, cause: unknown) {
    super(`Docker does not answer ${what} on ${socket}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.name = 'EngineUnreachable';
  }
}

/** The few requests to Docker's API that making a swarm takes, with nothing between them and the socket. */
export class Engine {
  readonly socket: string;
  private readonly signal: AbortSignal | undefined;

  /** Requests under way end when the signal is aborted. */
  constructor(socket: string, signal?: AbortSignal) {
    this.socket = socket;
    this.signal = signal;
  }

  get(path: string): Promise<unknown> {
    return this.send('GET', path);
  }

  post(path: string, body: object = {}): Promise<unknown> {
    return this.send('POST', path, JSON.stringify(body));
  }

  delete(path: string): Promise<unknown> {
    return this.send('DELETE', path);
  }

  /** Posts a tar file. */
  postTar(path: string, tar: Readable): Promise<unknown> {
    return this.send('POST', path, tar);
  }

  private send(method: string, path: string, body?: string | Readable): Promise<unknown> {
    const what = `${method} ${path}`;
    const type = typeof body === 'string' ? 'application/json' : 'application/x-tar';
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => reject(new EngineUnreachable(what, this.socket, cause));
      const sent = request(
        {
          socketPath: this.socket,
          method,
          path,
          agent: false,
          ...(this.signal ? { signal: this.signal } : {}),
          ...(body === undefined ? {} : { headers: { 'content-type': type } }),
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          answer.on('error', fail);
          answer.on('end', () => {
            const status = answer.statusCode ?? 0;
            if (status >= 400) return reject(new EngineRejected(what, status, text.trim()));
            const isJson = answer.headers['content-type']?.startsWith('application/json') && text !== '';
            // Some answers are several JSON values in a row (progress of an import): handed over as text.
            try {
              resolve(isJson ? JSON.parse(text) : text);
            } catch {
              resolve(text);
            }
          });
        },
      );
      sent.on('error', fail);
      if (body === undefined || typeof body === 'string') sent.end(body);
      else body.on('error', fail).pipe(sent);
    });
  }
}
