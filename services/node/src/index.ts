export { type Heart, startHeart } from './heart.ts';
export { type JoinedNode, joinNode } from './join.ts';
export { OwnFile } from './own-file.ts';
