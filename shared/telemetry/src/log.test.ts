import { expect, describe as group, test } from 'vitest';
import { createLog, describe } from './log.ts';

/** A log that writes its lines down, at a time that the test sets. */
function open(environment: NodeJS.ProcessEnv = {}, terminal = true) {
  const lines: string[] = [];
  const time = { ms: Date.UTC(2026, 0, 1, 12) };
  const log = createLog('decider', environment, { terminal, write: (text) => lines.push(text), nowMs: () => time.ms });
  return { log, lines, time };
}

group('a line', () => {
  test('is for people on a terminal', () => {
    const { log, lines } = open();
    log.info('mesh written', { key: 'service.web', revision: 7, causes: ['start'], why: undefined });
    log.warn('no fields');
    expect(lines).toEqual([
      '12:00:00.000 info  decider: mesh written key=service.web revision=7 causes=["start"]\n',
      '12:00:00.000 warn  decider: no fields\n',
    ]);
  });

  test('is JSON elsewhere', () => {
    const { log, lines } = open({}, false);
    log.error('cannot start', { reason: 'no "nft"' });
    expect(lines).toEqual([
      '{"at":"2026-01-01T12:00:00.000Z","level":"error","name":"decider","message":"cannot start","reason":"no \\"nft\\""}\n',
    ]);
  });

  test('carries the fields of the logs that it comes through', () => {
    const { log, lines } = open();
    log.with({ part: 'executor' }).with({ node: 'n1' }).info('applied', { node: 'n2' });
    expect(lines[0]).toContain('applied part=executor node=n2');
  });
});

group('levels', () => {
  const all = ['debug', 'info', 'warn', 'error'] as const;
  test.each([
    [undefined, ['info', 'warn', 'error']],
    ['debug', all],
    ['error', ['error']],
  ])('FAIRWAY_LOG=%s', (least, written) => {
    const { log, lines } = open(least === undefined ? {} : { FAIRWAY_LOG: least });
    for (const level of all) log[level](`a ${level}`);
    expect(lines.map((line) => line.split(': ')[1]?.trim())).toEqual(written.map((level) => `a ${level}`));
  });

  test('one that is none is said, and info is taken', () => {
    const { log, lines } = open({ FAIRWAY_LOG: 'loud' });
    log.debug('a debug');
    log.info('an info');
    expect(lines.map((line) => line.slice(13).trim())).toEqual([
      'warn  decider: FAIRWAY_LOG is none of debug, info, warn, error; info and above are written asked=loud',
      'info  decider: an info',
    ]);
  });
});

group('what repeats', () => {
  test('is written once in ten seconds, with how often it was left out', () => {
    const { log, lines, time } = open();
    const lost = () => log.warn('the bus is lost', { server: 'a' });
    for (let n = 0; n < 5; n++) lost();
    log.warn('the bus is lost', { server: 'b' });
    time.ms += 9_999;
    lost();
    expect(lines).toHaveLength(2);
    time.ms += 1;
    lost();
    lost();
    expect(lines).toHaveLength(3);
    expect(lines[2]).toContain('the bus is lost server=a repeated=5');
    time.ms += 10_000;
    lost();
    expect(lines[3]).toContain('repeated=1');
  });

  test('is written each time in debug, where it is wanted', () => {
    const { log, lines } = open({ FAIRWAY_LOG: 'debug' });
    for (let n = 0; n < 3; n++) log.debug('mesh written');
    expect(lines).toHaveLength(3);
  });

  test('does not fill the memory', () => {
    const { log, lines } = open();
    for (let n = 0; n < 5_000; n++) log.info(`line ${n}`);
    log.info('line 4999');
    expect(lines).toHaveLength(5_000);
  });
});

group('an error described', () => {
  test('is its message and those of its causes, each once', () => {
    const cause = new Error('Operation not permitted');
    expect(describe(new Error('RuleRejected: host', { cause }))).toBe('RuleRejected: host: Operation not permitted');
    expect(describe(new Error('host: Operation not permitted', { cause }))).toBe('host: Operation not permitted');
  });

  test('is its name where it has no message, and text where it is none', () => {
    expect(describe(new TypeError())).toBe('TypeError');
    expect(describe('gone')).toBe('gone');
    expect(describe(undefined)).toBe('');
    expect(describe(new Error('lost', { cause: 'ECONNRESET' }))).toBe('lost: ECONNRESET');
  });

  test('says what several errors were, by the first', () => {
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:4222');
    expect(describe(new AggregateError([refused, new Error('connect ECONNREFUSED ::1:4222')]))).toBe(
      'AggregateError: connect ECONNREFUSED 127.0.0.1:4222',
    );
  });

  test('has an end, though it is its own cause', () => {
    const error = new Error('round');
    error.cause = new Error('and round', { cause: error });
    expect(describe(error)).toBe('round: and round');
  });
});
