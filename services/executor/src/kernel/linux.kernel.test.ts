// Address plan: see lab.ts and traffic.kernel.test.ts. Each test has tables and sandbox of its own making.
import { afterAll, beforeAll, describe } from 'vitest';
import { kernelContract } from './contract.ts';
import { type Lab, openLab } from './lab.ts';
import { createLinuxKernel } from './linux.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab('verbs');
});
afterAll(() => lab?.close());

describe('the real kernel', () => {
  kernelContract(async () => {
    await lab.replaceSandbox();
    await lab.run('host', 'nft delete table inet fairway 2>/dev/null || true');
    const { netnsDir, hostNamespace } = lab;
    return { ...lab, kernel: createLinuxKernel({ netnsDir, hostNamespace }) };
  });
});
