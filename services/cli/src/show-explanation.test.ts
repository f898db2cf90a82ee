import { expect, test } from 'vitest';
import { sampleExplanation } from './sample-explanation.ts';
import { showExplanation } from './show-explanation.ts';

test('where it leads, what is waited for, each task, what the kernel has, and what changed it', () => {
  expect(showExplanation(sampleExplanation, 90_000)).toMatchInlineSnapshot(`
    "alpha leads 8000/tcp to web.

    Needs you:
      late: 8000/tcp belongs to web, which was changed later; publish another port

    Waiting:
      web: task t3 waits for its container to run
      web: network ingress has no way to 10.0.0.7 yet, task t4 on node n2

    TASK  SERVICE  NODE   ADDRESS      STATE     SINCE  PLANNED  IN THE KERNEL
    t1    web      alpha  10.0.0.5:80  serving   90 s   yes      yes
    t2    web      beta   10.0.0.6:80  serving   90 s   yes      not read
    t3    web      beta   -            starting  30 s   no       no

    In the kernel:
      host: 8000/tcp leads to 172.18.0.2: yes
      ingress_sbox: 8000/tcp is spread over 2 tasks: not read

    Changed by, up to revision 42:
      1970-01-01T00:01:00.000Z  container start  trace 4bf92f35
    "
  `);
});

test('what is not served has its reason first', () => {
  const unserved = 'this node takes no part in network back';
  const nothing = { ...sampleExplanation, unserved, backends: [], kernel: [], notes: [], causes: [] };
  expect(showExplanation(nothing, 0)).toBe(
    'alpha does not serve 8000/tcp (web): this node takes no part in network back.\n',
  );
});

test('without a task it is refused', () => {
  const { backends } = sampleExplanation;
  const none = { ...sampleExplanation, backends: backends.map((backend) => ({ ...backend, planned: false })) };
  expect(showExplanation(none, 0)).toMatch(
    /^alpha leads 8000\/tcp to web, which has no task to send to: connections are refused\.\n/,
  );
});
