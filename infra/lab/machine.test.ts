import { expect, test } from 'vitest';
import { chooseMemoryMb, lines, MemoryShort, qemuArguments } from './machine.ts';

const machine = {
  kernelImage: '/k/vmlinuz',
  initramfs: '/k/initramfs',
  processors: 2,
  memoryMb: 4096,
  parcels: { command: 'echo a,b' },
};

test('the machine sees / and cannot change it', () => {
  expect(qemuArguments(machine).join(' ')).toContain(
    '-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap',
  );
});

test('every line is a socket that qemu is given, and none is opened by name', () => {
  const chardevs = qemuArguments(machine).filter((word) => word.startsWith('socket,'));
  expect(chardevs).toEqual(Object.entries(lines).map(([line, fd]) => `socket,id=${line},fd=${fd}`));
});

test('a comma of the command is not taken for one of qemu', () => {
  expect(qemuArguments(machine)).toContain('name=opt/fairway/command,string=echo a,,b');
});

test.each([
  [24_000, 8192],
  [6000, 3000],
  [4096, 2048],
])('of %i MB that are free the lab takes %i', (available, taken) => {
  expect(chooseMemoryMb(available)).toBe(taken);
});

test('with too little memory it does not begin', () => {
  expect(() => chooseMemoryMb(4000)).toThrow(MemoryShort);
});
