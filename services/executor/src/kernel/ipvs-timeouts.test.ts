import { expect, test } from 'vitest';
import { parseIpvsTimeouts, showTimeouts } from './ipvs-timeouts.ts';

test('three numbers of seconds', () => {
  const timeouts = parseIpvsTimeouts('7200,30,60');
  expect(timeouts).toEqual({ tcpS: 7200, tcpFinS: 30, udpS: 60 });
  expect(timeouts && showTimeouts(timeouts)).toBe('7200 30 60');
});

test.each([
  '',
  '900',
  '900,120',
  '900,120,300,1',
  '900,0,300',
  '-1,120,300',
  '900 120 300',
  '9000000,120,300',
  '1;reboot,2,3',
])('not %j', (text) => {
  expect(parseIpvsTimeouts(text)).toBeUndefined();
});
