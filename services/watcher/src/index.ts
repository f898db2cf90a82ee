export { type Clock, systemClock } from './clock.ts';
export * from './docker.ts';
export { connectDocker, dockerSocket, swarmkitSocket } from './engine.ts';
export * from './engine-schema.ts';
export { MemoryDocker, noObjects, type SwarmObjects } from './memory-docker.ts';
export { type MeshView, meshView } from './mesh-view.ts';
export type { Own, OwnChange } from './own.ts';
export { serviceInDocker } from './service-in-docker.ts';
export { startWatcher, type Watcher, type WatcherOptions } from './watcher.ts';
