/** The kernel that was unpacked has no module of this name. */
export class ModuleUnknown extends Error {
  constructor(name: string) {
    super(`The lab's kernel has no module ${name}. Remove .tools/linux-image-amd64, so that it is unpacked again`);
    this.name = 'ModuleUnknown';
  }
}

/**
 * Files of modules, and of all that they need, in an order in which each can be inserted. `modulesDep` is what depmod
 * writes, a line per file, `kernel/net/9p/9pnet_virtio.ko: kernel/net/9p/9pnet.ko ...`; in names of modules a dash and
 * an underscore are the same. Throws ModuleUnknown.
 */
export function moduleOrder(modulesDep: string, names: readonly string[]): string[] {
  const needs = new Map<string, string[]>();
  const files = new Map<string, string>();
  for (const line of modulesDep.split('\n')) {
    const [file = '', rest = ''] = line.split(':');
    if (file === '') continue;
    needs.set(
      file,
      rest.split(' ').filter((need) => need !== ''),
    );
    files.set(moduleName(file), file);
  }
  const order = new Set<string>();
  const insert = (file: string) => {
    if (order.has(file)) return;
    for (const need of needs.get(file) ?? []) insert(need);
    order.add(file);
  };
  for (const name of names) {
    const file = files.get(moduleName(name));
    if (file === undefined) throw new ModuleUnknown(name);
    insert(file);
  }
  return [...order];
}

function moduleName(file: string): string {
  return (file.split('/').at(-1) ?? '').replace(/\.ko$/, '').replaceAll('-', '_');
}
