/** How much a line matters. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** Writes one line per thing that happened: a sentence, and its fields. */
export type Log = Record<Level, (message: string, fields?: Record<string, unknown>) => void> & {
  /** The same log, with these fields on each line. */
  with(fields: Record<string, unknown>): Log;
};

/** Where a log writes, and when. */
export type LogOutput = {
  /** Whether people read it. */
  readonly terminal: boolean;
  readonly write: (text: string) => void;
  readonly nowMs: () => number;
};

const standardError: LogOutput = {
  terminal: process.stderr.isTTY,
  write: (text) => void process.stderr.write(text),
  nowMs: Date.now,
};

/**
 * A log to standard error: readable lines on a terminal, JSON elsewhere. `FAIRWAY_LOG` names the least level written
 * (`info` without it). A line that repeats word for word is written at most once in ten seconds, with the count of
 * those left out, so that a lost server does not fill a disk.
 */
export function createLog(
  name: string,
  environment: NodeJS.ProcessEnv = process.env,
  { terminal, write: put, nowMs: now }: LogOutput = standardError,
): Log {
  const asked = environment.FAIRWAY_LOG ?? 'info';
  const known = levels.some((level) => level === asked);
  const least = levels.indexOf(known ? (asked as Level) : 'info');
  const quietMs = 10_000;
  const said = new Map<string, { atMs: number; left: number }>();

  const write = (level: Level, message: string, fields: Record<string, unknown>) => {
    if (levels.indexOf(level) < least) return;
    const nowMs = now();
    const line = `${message}${JSON.stringify(fields)}`;
    const before = said.get(line);
    if (before && nowMs - before.atMs < quietMs && level !== 'debug') {
      before.left += 1;
      return;
    }
    const repeated = before && before.left > 0 ? { repeated: before.left } : {};
    said.set(line, { atMs: nowMs, left: 0 });
    if (said.size > 1000) said.clear();
    const all = { ...fields, ...repeated };
    put(
      terminal
        ? `${new Date(nowMs).toISOString().slice(11, 23)} ${level.padEnd(5)} ${name}: ${message}${showFields(all)}\n`
        : `${JSON.stringify({ at: new Date(nowMs).toISOString(), level, name, message, ...all })}\n`,
    );
  };

  const make = (bound: Record<string, unknown>): Log => ({
    debug: (message, fields) => write('debug', message, { ...bound, ...fields }),
    info: (message, fields) => write('info', message, { ...bound, ...fields }),
    warn: (message, fields) => write('warn', message, { ...bound, ...fields }),
    error: (message, fields) => write('error', message, { ...bound, ...fields }),
    with: (fields) => make({ ...bound, ...fields }),
  });
  const log = make({});
  if (!known) log.warn(`FAIRWAY_LOG is none of ${levels.join(', ')}; info and above are written`, { asked });
  return log;
}

/** The messages of an error and of its causes, each once: `RuleRejected: …: Operation not permitted`. */
export function describe(error: unknown): string {
  const parts: string[] = [];
  const seen = new Set<unknown>();
  for (let at: unknown = error; at !== undefined && at !== null && !seen.has(at); at = causeOf(at)) {
    seen.add(at);
    const part = at instanceof Error ? at.message || at.name : String(at);
    if (!parts.some((held) => held.includes(part))) parts.push(part);
  }
  return parts.join(': ');
}

/** Node gives one of several errors no message, where a name has several addresses and none answers. */
function causeOf(error: unknown): unknown {
  if (error instanceof AggregateError) return error.cause ?? error.errors[0];
  return error instanceof Error ? error.cause : undefined;
}

function showFields(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
}
