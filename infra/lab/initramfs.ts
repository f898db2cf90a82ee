import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, toolsDir } from '@fairway/cluster';
import type { Kernel } from './kernel.ts';
import { moduleOrder } from './module-order.ts';

/** What it takes to see the machine's files, to speak with the machine, and to be told what to do. */
const modules = ['virtio_pci', 'virtio_console', 'qemu_fw_cfg', '9pnet_virtio', '9p', 'overlay'];

const init = fileURLToPath(new URL('guest/init.sh', import.meta.url));
const dir = join(toolsDir, 'lab');
const prefix = 'initramfs-';

/**
 * The first files of the guest: a busybox, modules, and guest/init.sh. Made once and kept in .tools under a digest of all
 * that it consists of; whatever changes makes another one, which takes the place of the one before.
 */
export async function ensureInitramfs(
  kernel: Kernel,
  busybox: string,
  report: (line: string) => void,
): Promise<string> {
  const modulesDir = join(kernel.modulesDir, kernel.version);
  const order = moduleOrder(await readFile(join(modulesDir, 'modules.dep'), 'utf8'), modules);
  const contents: [string, string][] = [
    ['init', init],
    ['bin/busybox', busybox],
    // In the order of inserting, which is how a shell expands a pattern.
    ...order.map((path, place): [string, string] => [
      `modules/${String(place).padStart(2, '0')}-${basename(path)}`,
      join(modulesDir, path),
    ]),
  ];
  const file = join(dir, `${prefix}${await digest(contents)}`);
  if (existsSync(file)) return file;
  report(`making an initramfs of busybox and ${order.length} modules of Linux ${kernel.version}`);
  await build(contents, file);
  const others = (await readdir(dir)).filter((name) => name.startsWith(prefix) && join(dir, name) !== file);
  for (const name of others) await rm(join(dir, name), { force: true });
  return file;
}

async function digest(contents: readonly [string, string][]): Promise<string> {
  const hash = createHash('sha256');
  for (const [name, source] of contents) hash.update(name).update(await readFile(source));
  return hash.digest('hex').slice(0, 12);
}

async function build(contents: readonly [string, string][], file: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const draft = await mkdtemp(join(dir, 'draft-'));
  try {
    const root = join(draft, 'root');
    for (const folder of ['bin', 'modules', 'proc', 'sys', 'dev', 'host', 'upper', 'root']) {
      await mkdir(join(root, folder), { recursive: true });
    }
    for (const [name, source] of contents) await copyFile(source, join(root, name));
    const pack = 'cd "$1" && chmod 755 init && find . | bin/busybox cpio -o -H newc >"$2" 2>/dev/null';
    await run(['sh', '-c', pack, 'pack', root, join(draft, 'initramfs')]);
    await rename(join(draft, 'initramfs'), file);
  } finally {
    await rm(draft, { recursive: true });
  }
}
