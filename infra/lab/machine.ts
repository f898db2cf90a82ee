/** What the emulated machine is made of. */
export interface Machine {
  kernelImage: string;
  initramfs: string;
  processors: number;
  memoryMb: number;
  /** Handed to the guest as they are, under /sys/firmware/qemu_fw_cfg/by_name/opt/fairway/. */
  parcels: Readonly<Record<string, string>>;
}

/** Too little memory is free for the lab. */
export class MemoryShort extends Error {
  constructor(availableMb: number) {
    super(`The lab takes ${2 * memoryLeastMb} MB of free memory at least, and ${availableMb} MB are free`);
    this.name = 'MemoryShort';
  }
}

/** Three dockerds, NATS and Fairway's six processes hold 1.2 GB; what they write is in memory too. */
const memoryLeastMb = 2048;
const memoryMostMb = 8192;

/** Half of what is available: the pages that the guest has touched stay taken until it ends. Throws MemoryShort. */
export function chooseMemoryMb(availableMb: number): number {
  const half = Math.floor(availableMb / 2);
  if (half < memoryLeastMb) throw new MemoryShort(availableMb);
  return Math.min(half, memoryMostMb);
}

/**
 * The lines between the guest and this process, as file descriptors of qemu that are sockets: nothing of the guest's
 * ever has a name in the file system. `kernel` is the serial console, which the kernel alone writes to; `terminal` is a
 * console of its own, with a line discipline in the guest; the others carry bytes as they are.
 */
export const lines = { kernel: 3, control: 4, out: 5, err: 6, terminal: 7 } as const;

/**
 * The guest trusts what it runs, and each check that it leaves out would be emulated. `panic=-1` is a reboot at once,
 * which `-no-reboot` makes an end. rcu_expedited: Docker makes and ends namespaces, links and rules by the dozen, and
 * otherwise waits for a grace period each time. norandmaps: where each process has its libraries elsewhere, what one has
 * had translated helps the next less; `nft list tables` takes half the time without.
 */
const kernelWords = [
  ...['console=ttyS0', 'panic=-1', 'tsc=reliable', 'random.trust_cpu=on'],
  ...['mitigations=off', 'init_on_alloc=0', 'apparmor=0', 'audit=0', 'nowatchdog', 'nokaslr'],
  ...['rcupdate.rcu_expedited=1', 'norandmaps'],
];

/**
 * An old one: newer ones promise that `rep movsb` is the fastest way to copy (erms), which is emulated byte by byte, and
 * have guards of memory (smap) and a fifth level of page tables (la57) that emulation pays for. Node starts in two thirds
 * of the time that it takes on `max`.
 */
const processor = 'Nehalem';

/** qemu's own words (7.2 and later), without the program. In a value it takes a comma for the end, unless doubled. */
export function qemuArguments({ kernelImage, initramfs, processors, memoryMb, parcels }: Machine): string[] {
  const value = (text: string) => text.replaceAll(',', ',,');
  const socket = (line: keyof typeof lines) => ['-chardev', `socket,id=${line},fd=${lines[line]}`];
  const port = (line: keyof typeof lines) => ['-device', `virtserialport,chardev=${line},name=${line}`];
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-nic', 'none'],
    ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', processor],
    ...['-smp', String(processors), '-m', `${memoryMb}M`],
    ...['-kernel', kernelImage, '-initrd', initramfs, '-append', kernelWords.join(' ')],
    // remap: files of other file systems below / would otherwise share the inode numbers of those on it.
    ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
    ...Object.keys(lines).flatMap((line) => socket(line as keyof typeof lines)),
    ...['-serial', 'chardev:kernel', '-device', 'virtio-serial', '-device', 'virtconsole,chardev=terminal'],
    ...[...port('control'), ...port('out'), ...port('err')],
    ...Object.entries(parcels).flatMap(([name, text]) => ['-fw_cfg', `name=opt/fairway/${name},string=${value(text)}`]),
  ];
}
