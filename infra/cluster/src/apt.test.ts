import { expect, test } from 'vitest';
import { parseMirror } from './apt.ts';

test("Debian's own mirror is told from other sources, updates and security", () => {
  const indextargets = `https://deb.example.com/node_20.x/|nodistro|main
http://mirror.example.com/debian-security/|bookworm-security|main
http://mirror.example.com/debian/|bookworm-updates|main
http://mirror.example.com/debian/|bookworm|contrib
http://mirror.example.com/debian/|bookworm|main
`;
  expect(parseMirror(indextargets, 'bookworm')).toBe('http://mirror.example.com/debian/');
  expect(parseMirror(indextargets, 'jammy')).toBeUndefined();
});
