import { factMessage, keys, subjects, writeService } from '@fairway/bus';
import type { EventLine } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import { applied, failed, openLab } from './console-lab.ts';

// Node n1, named alpha, on a bus in memory.

describe('events', () => {
  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as EventLine);

  test('facts, changes of the mesh and outcomes in the order in which they passed, by name', async () => {
    const lab = await openLab();
    await lab.fill();
    const spec = { id: 's1', name: 'web', index: 1, mode: 'vip', ports: [], vips: [], labels: {} } as const;
    const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const causes = [{ trace, event: 'service create', atMs: 3, after: 0 }];
    await lab.write(keys.service('s1'), writeService({ spec, endpoints: [], causes, seen: 0, of: 1 }));
    const reading = { incarnation: { boot: 'b', daemon: 'd' }, tick: 1 };
    const body = {
      kind: 'container',
      node: 'n1',
      service: 's1',
      task: 't1',
      container: 'c1',
      state: 'running',
    } as const;
    await lab.put(factMessage('n1', 'e', { ...body, reading }, 'container start', 5, trace), 'f1');
    await lab.put({ subject: subjects.fact('n1', 'container', 's1'), text: '{]' }, 'f2');
    await lab.tell(applied(4));
    const response = await lab.console.app.request('/api/events');
    expect(lines(await response.text())).toMatchObject([
      { kind: 'mesh', what: expect.stringMatching(/^epoch \w+ begins$/) },
      { kind: 'mesh', what: 'revision 2: node alpha' },
      { kind: 'mesh', what: 'revision 3: complete' },
      { kind: 'mesh', what: 'revision 4: service web by service create', trace: '4bf92f35' },
      {
        kind: 'fact',
        atMs: 5,
        node: 'alpha',
        what: 'container web: container start, task t1 is running',
        trace: '4bf92f35',
      },
      { kind: 'outcome', node: 'alpha', what: 'applied revision 0 to 4 in 2.0 ms, 1 added, 0 removed' },
    ]);
  });

  test('who follows hears what comes, until the console stops', async () => {
    const lab = await openLab();
    await lab.fill();
    const response = await lab.console.app.request('/api/events?follow');
    const all = response.text();
    await lab.tell(failed(3));
    await lab.console.stop();
    expect(lines(await all).at(-1)).toMatchObject({ kind: 'outcome', what: 'failed in host at revision 3: refused' });
  });

  test('who follows hears within half a minute that the console is still there', async () => {
    const lab = await openLab();
    await lab.fill();
    const reader = (await lab.console.app.request('/api/events?follow')).body?.getReader();
    await reader?.read();
    const next = reader?.read();
    await lab.pass(30_000);
    expect(new TextDecoder().decode((await next)?.value)).toBe('\n');
    await lab.console.stop();
  });
});
