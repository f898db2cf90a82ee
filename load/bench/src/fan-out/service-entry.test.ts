import { readService } from '@fairway/bus';
import { expect, test } from 'vitest';
import { serviceEntry } from './service-entry.ts';

test('an entry is one that nodes read, of 4 KB, and another one after each change', () => {
  const text = serviceEntry(7, 1);
  expect(readService('service.7', text).endpoints).toHaveLength(20);
  expect(Buffer.byteLength(text)).toBeGreaterThan(3_500);
  expect(Buffer.byteLength(text)).toBeLessThan(4_500);
  expect(serviceEntry(7, 2)).not.toBe(text);
  expect(serviceEntry(8, 1)).not.toBe(text);
});
