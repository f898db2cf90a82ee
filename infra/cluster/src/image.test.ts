import { expect, test } from 'vitest';
import { parseLibraries } from './image.ts';

test("a program's libraries and its loader, but not what the kernel brings", () => {
  const ldd = `	linux-vdso.so.1 (0x00007ffd8a5f2000)
	libssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f1f3e8a0000)
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1f3e200000)
	/lib64/ld-linux-x86-64.so.2 (0x00007f1f3ed4e000)
`;
  expect(parseLibraries(ldd)).toEqual([
    '/lib/x86_64-linux-gnu/libssl.so.3',
    '/lib/x86_64-linux-gnu/libc.so.6',
    '/lib64/ld-linux-x86-64.so.2',
  ]);
});
