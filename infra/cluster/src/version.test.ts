import { describe, expect, test } from 'vitest';
import { findVersion, isAtLeast, showVersion } from './version.ts';

describe('findVersion', () => {
  test.each([
    ['Docker version 20.10.24+dfsg1, build 297e128', [20, 10, 24]],
    ['nats-server: v2.10.27', [2, 10, 27]],
    ['nftables v1.0.6 (Lester Gooch #5)', [1, 0, 6]],
    ['27.0', [27, 0]],
  ])('%s', (output, version) => {
    expect(findVersion(output)).toEqual(version);
  });

  test('no dotted number is no version', () => {
    expect(findVersion('command not found')).toBeUndefined();
  });
});

describe('isAtLeast', () => {
  test.each([
    ['2.9.10', '2.10', false],
    ['2.10', '2.10', true],
    ['2.10', '2.10.1', false],
    ['2.10.27', '2.10', true],
    ['3.0', '2.10.27', true],
  ])('%s is at least %s: %s', (version, least, answer) => {
    expect(isAtLeast(findVersion(version) ?? [], findVersion(least) ?? [])).toBe(answer);
  });
});

test('a version reads as it was written', () => {
  expect(showVersion([2, 10, 27])).toBe('2.10.27');
});
