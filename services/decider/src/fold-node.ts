import { type Node, type NodeFact, type NodeGoneFact, type NodeListingFact, retiredMax } from '@fairway/mesh';

/**
 * The node after a fact; the very same value when the fact brings nothing new. Managers say that a node exists and how
 * Swarm sees it; the node itself, by its complete listing, under which incarnation its endpoints are to be believed.
 */
export function foldNode(held: Node | undefined, fact: NodeFact | NodeGoneFact | NodeListingFact, nowMs: number): Node {
  const node: Node = held ?? { retired: [], causes: [] };
  switch (fact.kind) {
    case 'node': {
      const index = node.claim?.index ?? -1;
      const { removedMs, ...alive } = node;
      if (removedMs !== undefined && !fact.confirmed) return node;
      // A restored swarm may have it again as it was when it was removed, at the same index.
      if (removedMs === undefined && (fact.confirmed ? fact.node.index === index : fact.node.index <= index))
        return node;
      return { ...alive, claim: fact.node };
    }
    case 'node-gone':
      return node.removedMs === undefined ? { ...node, removedMs: nowMs } : node;
    case 'node-listing': {
      const { boot, daemon } = fact.incarnation;
      if (node.retired.includes(boot)) return node;
      const before = node.incarnation;
      if (before?.boot === boot && node.tick !== undefined && fact.tick <= node.tick) return node;
      if (before?.boot === boot && before.daemon === daemon) return node;
      const retired = before && before.boot !== boot ? [...node.retired, before.boot].slice(-retiredMax) : node.retired;
      return { ...node, incarnation: fact.incarnation, tick: fact.tick, retired };
    }
  }
}
