import { expect, test } from 'vitest';
import { parseDependency, parseMirror } from './apt.ts';

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

test('a name for the newest of several packages leads to it', () => {
  const description = `Package: linux-image-amd64
Depends: linux-base (>= 4.3~), linux-image-6.1.0-56-amd64 (= 6.1.192-2)
Description: Linux for 64-bit PCs (meta-package)
`;
  expect(parseDependency(description, /^linux-image-\d/)).toBe('linux-image-6.1.0-56-amd64');
  expect(parseDependency(description, /^linux-headers/)).toBeUndefined();
});
