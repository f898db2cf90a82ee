import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** A service with a setting that has no standard. What it does at its start and stop is set by the environment. */
const fixture = `
import { runService } from ${JSON.stringify(new URL('./run-service.ts', import.meta.url).href)};
import { logSetting } from ${JSON.stringify(new URL('./settings.ts', import.meta.url).href)};
const needed = { name: 'NEEDED', meaning: 'what it cannot do without' };
await runService('fixture', 'does nothing', [needed, logSetting], async ({ log, setting, tracer }) => {
  tracer.span('work', { kind: 'internal' }).end();
  log.info('started', { with: setting('NEEDED') });
  const alive = setInterval(() => {}, 1000);
  if (process.env.NEEDED === 'bad') throw new Error('cannot use it', { cause: new Error('it is bad') });
  return async () => {
    if (process.env.NEEDED === 'stuck') throw new Error('it is stuck');
    clearInterval(alive);
  };
});
`;

type Run = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the fixture to its end; with a signal, once it has started. */
function run(args: readonly string[], environment: Record<string, string> = {}, signal?: NodeJS.Signals): Promise<Run> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', fixture, '--', 'fixture', ...args], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: environment,
    timeout: 4_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    const before = stderr.includes('started');
    stderr += chunk;
    if (signal && !before && stderr.includes('started')) child.kill(signal);
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })));
}

describe.concurrent('a service as a process', () => {
  test('--help names its settings with their standards, and it does not start', async () => {
    for (const { status, stdout, stderr } of await Promise.all([run(['--help']), run(['-h'])])) {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toBe(
        [
          'fixture: does nothing',
          '',
          'Settings, from the environment:',
          '  NEEDED                       what it cannot do without',
          '  FAIRWAY_LOG                  least level logged: debug, info, warn, error [info]',
          '  OTEL_EXPORTER_OTLP_ENDPOINT  where traces are sent, OTLP over HTTP: http://collector:4318; none are recorded without it',
          '',
        ].join('\n'),
      );
    }
  });

  test('an argument is refused with 2', async () => {
    const { status, stdout, stderr } = await run(['start'], { NEEDED: 'good' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^fixture: unknown argument start\n\nfixture: does nothing\n/);
  });

  test.each([{}, { NEEDED: '' }])(
    'a setting that is missing, given %j, ends it with 1, and says which',
    async (given) => {
      const { status, stderr } = await run([], given);
      expect(status).toBe(1);
      expect(stderr).toContain('SettingMissing: set NEEDED (what it cannot do without)');
    },
  );

  test('a start that fails ends it with 1, and says why', async () => {
    const { status, stderr } = await run([], { NEEDED: 'bad' });
    expect(status).toBe(1);
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
      level: 'error',
      name: 'fixture',
      message: 'cannot start',
      reason: 'cannot use it: it is bad',
    });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s stops it, with 0', async (signal) => {
    const { status, stderr } = await run([], { NEEDED: 'good' }, signal);
    expect(stderr).toContain(`"message":"stopping","signal":"${signal}"`);
    expect(status).toBe(0);
  });

  test('a stop that fails ends it with 1, and says why', async () => {
    const { status, stderr } = await run([], { NEEDED: 'stuck' }, 'SIGTERM');
    expect(stderr).toContain('"could not stop cleanly","reason":"it is stuck"');
    expect(status).toBe(1);
  });

  test.each(['good', 'stuck'])('its last spans are sent before it ends, with a stop that is %s', async (needed) => {
    let received = '';
    const receiver = createServer(async (request, response) => {
      received += await text(request);
      response.setHeader('content-type', 'application/json').end('{}');
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    await run([], { NEEDED: needed, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, 'SIGTERM');
    receiver.close();
    expect(received).toContain('"work"');
  });
});
