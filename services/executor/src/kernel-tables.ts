import type { KernelTable } from '@fairway/mesh';
import { describe } from '@fairway/telemetry';
import { type Kernel, type Namespace, nameOf } from './kernel/kernel.ts';

/** So much of all tables is told, bytes of JSON: a bus message takes 1 MiB. */
const bytesMax = 900_000;

/** Fairway's tables on this node: the host's, and that of every sandbox that it writes to. */
export async function kernelTables(kernel: Kernel, limitBytes = bytesMax): Promise<readonly KernelTable[]> {
  const sandboxes = [...(await kernel.sandboxes()).keys()].sort();
  const namespaces: readonly Namespace[] = ['host', ...sandboxes];
  const tables = await Promise.all(namespaces.map((namespace) => tableIn(kernel, namespace)));
  let leftBytes = limitBytes;
  return tables.map((table) => {
    if (table.text === undefined) return table;
    const { text, bytes } = cut(table.text, leftBytes);
    leftBytes -= bytes;
    return { ...table, text };
  });
}

async function tableIn(kernel: Kernel, namespace: Namespace): Promise<KernelTable> {
  const name = nameOf(namespace);
  try {
    const text = await kernel.show(namespace);
    return { namespace: name, ...(text === undefined ? {} : { text }) };
  } catch (error) {
    return { namespace: name, failure: describe(error) };
  }
}

/** As many whole lines as fit, and a word on those that do not. */
function cut(text: string, limitBytes: number): { readonly text: string; readonly bytes: number } {
  const lines = text.split('\n');
  let bytes = 0;
  for (const [at, line] of lines.entries()) {
    // Its quotes take as much as the end of a line does in JSON.
    const next = bytes + Buffer.byteLength(JSON.stringify(line));
    if (next > limitBytes) {
      const rest = `# ${lines.length - at} more lines are left out; on the node, nft list table inet fairway prints all`;
      return { text: [...lines.slice(0, at), rest, ''].join('\n'), bytes };
    }
    bytes = next;
  }
  return { text, bytes };
}
