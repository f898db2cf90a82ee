import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('a sender that is killed amid its request costs that request, and no other', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as { port: number };
  free.close();
  await once(free, 'close');

  const program = fileURLToPath(new URL('receiver.ts', import.meta.url));
  const child = spawn(process.execPath, [program, '127.0.0.1', `${port}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const lines = createInterface(child.stdout);
  await once(lines, 'line');
  const killed = connect(port, '127.0.0.1');
  await once(killed, 'connect');
  killed.write('POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
  killed.destroySoon();
  await once(killed, 'close');

  const span = { name: 'apply', traceId: 't', spanId: 's', startTimeUnixNano: '1', endTimeUnixNano: '2' };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'fairway-node' } }] };
  const heard = once(lines, 'line');
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
  expect((await fetch(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', body })).status).toBe(200);
  const [line] = await heard;
  expect(JSON.parse(line)).toMatchObject({ ...span, service: 'fairway-node' });
  child.stdin.end();
  expect(await closed).toEqual([0, null]);
});
