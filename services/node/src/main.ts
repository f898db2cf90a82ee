import { isMainThread } from 'node:worker_threads';

// Each loads what it needs: the heart is small, and quick to be started again.
if (isMainThread) await (await import('./run-node.ts')).runNode();
else (await import('./heart-thread.ts')).runHeart();
