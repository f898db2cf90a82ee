export { type JoinedNode, joinNode } from './join.ts';
