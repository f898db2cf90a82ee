import { expect, test } from 'vitest';
import { ModuleUnknown, moduleOrder } from './module-order.ts';

const modulesDep = `kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/fscache/fscache.ko kernel/fs/netfs/netfs.ko
kernel/fs/fscache/fscache.ko: kernel/fs/netfs/netfs.ko
kernel/fs/netfs/netfs.ko:
kernel/net/9p/9pnet.ko:
kernel/drivers/firmware/qemu_fw_cfg.ko:
kernel/drivers/char/virtio-console.ko:
`;

test('what a module needs comes before it, and once', () => {
  expect(moduleOrder(modulesDep, ['9pnet', '9p'])).toEqual([
    'kernel/net/9p/9pnet.ko',
    'kernel/fs/netfs/netfs.ko',
    'kernel/fs/fscache/fscache.ko',
    'kernel/fs/9p/9p.ko',
  ]);
});

test('a dash in a file name is an underscore in the name of the module', () => {
  expect(moduleOrder(modulesDep, ['virtio_console'])).toEqual(['kernel/drivers/char/virtio-console.ko']);
});

test('a module that is not there is named', () => {
  expect(() => moduleOrder(modulesDep, ['ip_vs'])).toThrow(ModuleUnknown);
  expect(() => moduleOrder(modulesDep, ['ip_vs'])).toThrow('ip_vs');
});
