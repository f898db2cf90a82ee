import { setTimeout as pause } from 'node:timers/promises';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { BusUnavailable } from '../bus.ts';
import { apiPrefix, type Identity, inboxPrefix } from '../roles.ts';
import { isId } from '../subjects.ts';
import { Credentials, CredentialsUnusable } from './credentials.ts';
import { reason, unavailable } from './failure.ts';
import { insist } from './hedge.ts';
import { Refusals } from './refusals.ts';
import { BusTooOld, requireVersion } from './version.ts';

type State = 'connected' | 'lost';
export type StateListener = (state: State, detail: string) => void;

/** Where sentences about lost and found things go; `Log` of @fairway/telemetry fits. */
export type BusLog = {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
};

export type ConnectOptions = {
  /** `nats://host:port`, one or several of one cluster. */
  readonly servers: string | readonly string[];
  /** Whether servers that these know of beside themselves are left alone. */
  readonly onlyThese?: boolean;
  /** Who connects, as the server shows it. */
  readonly name: string;
  /**
   * File of who connects, made by `fairway credentials`. It is read for each connection, the later ones too, so that a
   * key that was rotated needs no restart. Without it the servers have to take everybody, and are not asked for TLS.
   */
  readonly credentials?: string;
  readonly log?: BusLog;
  /** Hears the first connection's troubles too, which the bus's own `onState` cannot. */
  readonly onState?: StateListener;
  /** How long an answer is waited for, ms. An R3 bucket whose leader was killed needs 4,000 to 7,000 for a new one. */
  readonly timeoutMs?: number;
  /** Ends the wait for the first connection. */
  readonly signal?: AbortSignal;
};

const timeoutMsDefault = 3000;
/** Who sends, where neither credentials nor a name that can be a token say so. */
const unnamed = 'unnamed';
const connectPauseMsMin = 250;
const connectPauseMsMax = 5000;
/**
 * A first connection in vain is given twice as long the next time, up to so many times as long: where machines are so busy
 * that a handshake takes longer than usual, giving up and beginning anew would go on forever.
 */
const connectPatienceMax = 4;

/** How JetStream is asked. */
type Api = { readonly timeout: number; readonly checkAPI: false; readonly apiPrefix?: string };

/** Which server is to be the next, if not any: its host and port. */
type Next = { host?: string };

/** A connection to NATS that is found again whenever it is lost, and what is going on on it. */
export class Connection {
  readonly nc: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly timeoutMs: number;
  /** Those that it was told of. */
  readonly servers: readonly string[];
  /** Who sends: as its credentials say or, where everybody is taken, as its name does. */
  readonly sender: string;
  /** Whether this may write the streams itself; everybody else tells those who may. */
  readonly ownsStreams: boolean;
  readonly log: BusLog | undefined;
  readonly #listeners = new Set<StateListener>();
  readonly #refusals = new Refusals();
  readonly #next: Next;
  #connected = true;
  #closing = false;

  private constructor(
    nc: NatsConnection,
    api: Api,
    manager: JetStreamManager,
    identity: Pick<Identity, 'name'> & Partial<Identity>,
    next: Next,
    options: ConnectOptions,
  ) {
    this.nc = nc;
    this.#next = next;
    this.timeoutMs = api.timeout;
    this.servers = serversOf(options);
    this.sender = identity.name;
    this.ownsStreams = identity.role === 'decider';
    this.log = options.log;
    this.manager = manager;
    this.jetstream = jetstream(nc, api);
    if (options.onState) this.#listeners.add(options.onState);
    void this.#watch();
  }

  /** Waits for the server, however long it takes, and says so. @throws {BusTooOld} */
  static async open(options: ConnectOptions): Promise<Connection> {
    const next: Next = {};
    const { nc, waited, credentials } = await reach(options, next);
    const api: Api = {
      timeout: options.timeoutMs ?? timeoutMsDefault,
      checkAPI: false,
      ...(credentials ? { apiPrefix: apiPrefix(credentials) } : {}),
    };
    const identity = credentials ?? { name: isId(options.name) ? options.name : unnamed };
    const connection = new Connection(nc, api, await jetstreamManager(nc, api), identity, next, options);
    if (!credentials)
      options.log?.warn('bus: no credentials were given; whoever reaches these servers may do everything');
    connection.#tell('connected', `connected to ${nc.getServer()}${waited ? ' after waiting for it' : ''}`);
    return connection;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get payloadBytesMax(): number {
    return this.nc.info?.max_payload ?? 1024 * 1024;
  }

  /** Returns how to take the listener off again. */
  onState(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the connection is there; rejects with the signal's reason. */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#connected) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (end: () => void) => {
        off();
        signal.removeEventListener('abort', aborted);
        end();
      };
      const aborted = () => finish(() => reject(signal.reason));
      const off = this.onState((state) => state === 'connected' && finish(resolve));
      signal.addEventListener('abort', aborted);
      if (signal.aborted) aborted();
    });
  }

  /**
   * Asks the bus. Without a connection it waits for one as long as for an answer; a connection lost meanwhile fails at
   * once, since its answer will not come. @throws {BusUnavailable}
   */
  async ask<T>(operation: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (!this.#connected) {
      const limit = AbortSignal.timeout(this.timeoutMs);
      await this.ready(limit).catch((cause) => {
        throw new BusUnavailable(operation, { cause: new Error('not connected', { cause }) });
      });
    }
    let off = () => {};
    const over = new AbortController();
    const lost = new Promise<never>((_, reject) => {
      off = this.onState((state, detail) => state === 'lost' && reject(new Error(detail)));
    }).catch((cause) => {
      throw new BusUnavailable(operation, { cause });
    });
    try {
      return await Promise.race([work(over.signal), lost]);
    } catch (error) {
      throw unavailable(operation, error);
    } finally {
      over.abort();
      off();
    }
  }

  /** Asks what may be asked several times, and asks again where no answer comes. @throws {BusUnavailable} */
  askAgain<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.ask(operation, () => insist(work));
  }

  /** Its subscriptions come along; what is being asked fails. A connection that is lost is on its way already. */
  goOnBy(server: string): void {
    const { host } = new URL(server);
    if (!this.#connected || this.nc.getServer() === host) return;
    this.#next.host = host;
    this.nc.reconnect().catch((error) => this.log?.warn(`bus: cannot go on by ${host}: ${reason(error)}`));
  }

  async close(): Promise<void> {
    this.#closing = true;
    // Acks are still in the buffer; a server that does not take them within this time will not.
    if (this.#connected) await Promise.race([this.nc.flush().catch(() => {}), pause(500, undefined, { ref: false })]);
    if (this.#connected) this.#tell('lost', 'closed');
    this.#connected = false;
    await this.nc.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (this.#closing) continue;
      if (status.type === 'disconnect') this.#lose(`lost ${status.server}; trying to connect again`);
      else if (status.type === 'reconnect') this.#find(status.server);
      else if (status.type === 'error') this.#hearError(status.error);
    }
    if (!this.#closing) this.#lose('the connection was closed and will not come back');
  }

  /** A message that is refused and has no answer, as plain ones have none, is heard of here alone. */
  #hearError(error: Error): void {
    if (!(error instanceof errors.PermissionViolationError)) {
      this.log?.warn(`bus: ${reason(error)}`);
      return;
    }
    const { operation, subject } = error;
    const refused = this.#refusals.count(operation, subject);
    if (refused !== undefined) this.log?.warn('bus: not permitted', { operation, subject, refused });
  }

  #lose(detail: string): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#tell('lost', detail);
  }

  #find(server: string): void {
    try {
      requireVersion(server, this.nc.info?.version ?? '');
    } catch (error) {
      if (!(error instanceof BusTooOld)) throw error;
      this.#tell('lost', error.message);
      return;
    }
    this.#connected = true;
    this.#tell('connected', `connected to ${server} again`);
  }

  #tell(state: State, detail: string): void {
    this.log?.[state === 'connected' ? 'info' : 'warn'](`bus: ${detail}`);
    for (const listener of [...this.#listeners]) listener(state, detail);
  }
}

function serversOf({ servers }: ConnectOptions): string[] {
  return typeof servers === 'string' ? [servers] : [...servers];
}

/** The client's own wait for a first connection says nothing about why it waits. */
async function reach(
  options: ConnectOptions,
  next: Next,
): Promise<{ nc: NatsConnection; waited: boolean; credentials: Credentials | undefined }> {
  const servers = serversOf(options);
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;
  let pauseMs = connectPauseMsMin;
  let patience = 1;
  for (let waited = false; ; waited = true) {
    options.signal?.throwIfAborted();
    try {
      const credentials = options.credentials === undefined ? undefined : Credentials.read(options.credentials);
      const nc = await connect({
        servers,
        ...(credentials && proving(credentials, options)),
        name: options.name,
        timeout: timeoutMs * patience,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 200,
        reconnectJitter: 100,
        // A server whose machine is gone sends no end of the connection: this notices in 4 to 6 s.
        pingInterval: 2000,
        maxPingOut: 2,
        ignoreAuthErrorAbort: true,
        ignoreClusterUpdates: options.onlyThese ?? false,
        // Otherwise it goes through them in turn, and may begin with the one that it is on.
        reconnectToServer(pool) {
          const { host } = next;
          delete next.host;
          return pool.find(({ hostname, port }) => `${hostname}:${port}` === host) ?? null;
        },
      });
      try {
        requireVersion(nc.getServer(), nc.info?.version ?? '');
      } catch (error) {
        await nc.close();
        throw error;
      }
      return { nc, waited, credentials };
    } catch (error) {
      if (error instanceof BusTooOld) throw error;
      const detail = `waiting for ${servers.join(', ')}: ${reason(error)}`;
      options.log?.warn(`bus: ${detail}`);
      options.onState?.('lost', detail);
      await pause(pauseMs, undefined, options.signal ? { signal: options.signal } : {});
      pauseMs = Math.min(pauseMs * 2, connectPauseMsMax);
      if (error instanceof errors.TimeoutError) patience = Math.min(patience * 2, connectPatienceMax);
    }
  }
}

/** What a client proves itself with, and knows servers by, at each connection: as the file says then. */
function proving(first: Credentials, { credentials: file = '', log }: ConnectOptions): Partial<NodeConnectionOptions> {
  let held = first;
  const read = () => {
    try {
      held = Credentials.read(file);
    } catch (error) {
      if (!(error instanceof CredentialsUnusable)) throw error;
      log?.warn(`bus: going on with the credentials held: ${error.message}`);
    }
    return held;
  };
  return {
    inboxPrefix: inboxPrefix(first),
    authenticator: (nonce) => read().authenticator(nonce),
    tls: {
      // TLS from the first byte: who is in between cannot answer that there is none.
      handshakeFirst: true,
      get ca() {
        return read().authority;
      },
    },
  };
}
