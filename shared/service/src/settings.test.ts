import { expect, test } from 'vitest';
import { SettingMissing } from './run-service.ts';
import { BusTimeoutInvalid, busAddress, busSettings } from './settings.ts';

/** As runService gives them. */
const given = (environment: Record<string, string>) => ({
  setting(name: string) {
    const value = environment[name] ?? busSettings.find((one) => one.name === name)?.standard;
    if (value === undefined) throw new SettingMissing(name, '');
    return value;
  },
});

test('the bus is one server on this machine, and is waited for 3 s, unless told otherwise', () => {
  const anybody = { FAIRWAY_NATS_CREDENTIALS: 'none' };
  expect(busAddress(given(anybody))).toEqual({ servers: ['nats://127.0.0.1:4222'], timeoutMs: 3000 });
  const environment = {
    FAIRWAY_NATS: 'tls://10.0.0.1:4222,tls://10.0.0.2:4222',
    FAIRWAY_NATS_CREDENTIALS: '/etc/fairway/console.json',
    FAIRWAY_NATS_TIMEOUT_MS: '30000',
  };
  expect(busAddress(given(environment))).toEqual({
    servers: ['tls://10.0.0.1:4222', 'tls://10.0.0.2:4222'],
    credentials: '/etc/fairway/console.json',
    timeoutMs: 30_000,
  });
});

test('nobody connects without credentials by mistake', () => {
  expect(() => busAddress(given({}))).toThrow('FAIRWAY_NATS_CREDENTIALS');
});

test.each(['', 'soon', '99', '60001', '1.5e3s', '2500.5'])(
  'a wait of "%s" is refused, and what may be said',
  (text) => {
    const wait = () => busAddress(given({ FAIRWAY_NATS_CREDENTIALS: 'none', FAIRWAY_NATS_TIMEOUT_MS: text }));
    expect(wait).toThrow(BusTimeoutInvalid);
    expect(wait).toThrow('milliseconds, from 100 to 60000');
  },
);
