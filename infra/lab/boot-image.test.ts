import { expect, test } from 'vitest';
import { findPayload } from './boot-image.ts';

test('the payload begins after the boot sector and the setup, where the header says, and leaves out its own length', () => {
  const image = Buffer.alloc(1024);
  image.writeUInt8(39, 0x1f1);
  image.writeUInt32LE(0x2c5, 0x248);
  image.writeUInt32LE(8_000_004, 0x24c);
  expect(findPayload(image)).toEqual({ offset: 40 * 512 + 0x2c5, length: 8_000_000 });
});
