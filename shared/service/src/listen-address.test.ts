import { expect, test } from 'vitest';
import { listenAddress } from './listen-address.ts';

test.each([
  ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
  ['[::1]:9464', { host: '::1', port: 9464 }],
  ['[fe80::1%eth0]:9464', { host: 'fe80::1%eth0', port: 9464 }],
  ['localhost:80', { host: 'localhost', port: 80 }],
  [':9464', { port: 9464 }],
])('%s', (given, address) => {
  expect(listenAddress('FAIRWAY_TRIED', given)).toEqual(address);
});

test.each(['9464', '127.0.0.1', '::1:9464', '127.0.0.1:99999', 'http://127.0.0.1:9464', ''])(
  '"%s" is none, and the setting is named',
  (given) => {
    expect(() => listenAddress('FAIRWAY_TRIED', given)).toThrow(/^ListenAddressInvalid: FAIRWAY_TRIED is/);
  },
);
