import { expect, test } from 'vitest';
import { parseHierarchies } from './cgroup.ts';

test('hierarchies of a machine with both versions of cgroups', () => {
  const mountinfo = `24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
32 25 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
33 32 0:29 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
34 32 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
42 32 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
  expect(parseHierarchies(mountinfo)).toEqual([
    { type: 'cgroup', dir: '/sys/fs/cgroup/memory', controllers: ['memory'] },
    { type: 'cgroup', dir: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu', 'cpuacct'] },
    { type: 'cgroup2', dir: '/sys/fs/cgroup/unified', controllers: [] },
  ]);
});
