import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrograms, type Requirement, run, toolsDir, unpackFromSuite } from '@fairway/cluster';
import { findPayload } from './boot-image.ts';

/** Debian's kernel as it lies in .tools. */
export interface Kernel {
  version: string;
  /** Uncompressed: unpacking itself takes an emulated kernel 3 s. */
  image: string;
  /** What is /lib/modules on a machine that runs it. */
  modulesDir: string;
}

/** The lab's kernel and its emulator are for 64-bit PCs. */
class ProcessorUnsupported extends Error {
  constructor() {
    super(`The lab emulates a 64-bit PC, on one. This machine is ${process.platform} on ${process.arch}`);
    this.name = 'ProcessorUnsupported';
  }
}

const requirements: readonly Requirement[] = [
  {
    program: 'qemu-system-x86_64',
    package: 'qemu-system-x86',
    purpose: "the lab's machine; 18 MB to download, 86 MB installed",
    least: [7, 2],
    versionArgs: ['--version'],
  },
  { program: 'modprobe', package: 'kmod', purpose: "modules of the lab's kernel; 0.2 MB" },
  { program: 'ipvsadm', package: 'ipvsadm', purpose: 'IPVS services in the lab; 0.2 MB' },
  { program: 'xz', package: 'xz-utils', purpose: "unpacking the lab's kernel; 0.5 MB" },
  { program: 'setpriv', package: 'util-linux', purpose: "the emulator's end with this process" },
];

/** Folders of modules that the lab can have a use for: 80 of 350 MB. The others are for hardware. */
const kept = {
  kernel: ['arch', 'block', 'crypto', 'drivers', 'fs', 'lib', 'mm', 'net'],
  'kernel/drivers': ['block', 'char', 'firmware', 'net', 'virtio'],
};

/** Installs what the lab needs beside a cluster's toolchain, saying what, why and how big. */
export async function ensureKernel(report: (line: string) => void): Promise<Kernel> {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new ProcessorUnsupported();
  await ensurePrograms(requirements, report);
  const dir = join(toolsDir, 'linux-image-amd64');
  if (!existsSync(dir)) {
    report("unpacking Debian 12's linux-image-amd64 in .tools, 71 MB to download: it has IPVS. It is not installed");
    await unpackKernel(dir);
  }
  const version = await onlyEntry(join(dir, 'lib/modules'));
  return { version, image: join(dir, 'vmlinux'), modulesDir: join(dir, 'lib/modules') };
}

/** The folder appears only when it is complete. */
async function unpackKernel(dir: string): Promise<void> {
  const draft = `${dir}.${process.pid}`;
  try {
    await unpackFromSuite('bookworm', 'linux-image-amd64', draft, /^linux-image-\d/);
    const version = await onlyEntry(join(draft, 'lib/modules'));
    for (const [folder, names] of Object.entries(kept))
      await keepOnly(join(draft, 'lib/modules', version, folder), names);
    await rm(join(draft, 'usr'), { recursive: true });
    await unpackImage(join(draft, 'boot', `vmlinuz-${version}`), join(draft, 'vmlinux'));
    await run(['depmod', '--basedir', draft, version]);
    // Another run may have been quicker, and its guest uses what it unpacked.
    if (!existsSync(dir)) await rename(draft, dir);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Debian's kernel is compressed by xz with a filter that busybox's does not know. */
async function unpackImage(image: string, into: string): Promise<void> {
  const bytes = await readFile(image);
  const { offset, length } = findPayload(bytes);
  await writeFile(`${into}.xz`, bytes.subarray(offset, offset + length));
  await run(['xz', '--decompress', `${into}.xz`]);
}

async function keepOnly(dir: string, names: readonly string[]): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!names.includes(name)) await rm(join(dir, name), { recursive: true });
  }
}

async function onlyEntry(dir: string): Promise<string> {
  const [entry, ...others] = await readdir(dir);
  if (!entry || others.length > 0) throw new Error(`${dir} should hold one folder. Remove it, and it is made again`);
  return entry;
}
