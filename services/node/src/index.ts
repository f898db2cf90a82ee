export { type Heart, startHeart } from './heart.ts';
export { type JoinedNode, joinNode } from './join.ts';
