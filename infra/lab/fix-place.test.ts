import { expect, test } from 'vitest';
import { fixPlace } from './fix-place.ts';

const fixed = (source: string) => fixPlace(source, "/a b/it's/module.js");

test('what a module says of its own place is the place of its source', () => {
  expect(fixed('path.resolve(__dirname, "proto", __filename)')).toBe(
    `path.resolve("/a b/it's", "proto", "/a b/it's/module.js")`,
  );
  expect(fixed('new URL("./worker.ts", import.meta.url)')).toBe(
    `new URL("./worker.ts", "file:///a%20b/it's/module.js")`,
  );
  expect(fixed('[import.meta.dirname, import.meta.filename]')).toBe(`["/a b/it's", "/a b/it's/module.js"]`);
});

test('names that only begin or end so are left', () => {
  const others = 'my__dirname; __dirnames; options.__dirname; import.meta.urls; import.meta.resolve("x")';
  expect(fixed(others)).toBe(others);
});
