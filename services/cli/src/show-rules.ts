import type { NodeRules } from '@fairway/mesh';

/** A node's tables, each under the namespace that it is in. */
export function showRules({ node, tables }: NodeRules): string {
  return tables
    .map(({ namespace, network, text, failure }) => {
      const where = `# ${node}, ${namespace}${network === undefined ? '' : ` (network ${network})`}`;
      if (failure !== undefined) return `${where}: it could not be read: ${failure}\n`;
      return text === undefined ? `${where}: no table of Fairway\n` : `${where}\n${text}`;
    })
    .join('\n');
}
