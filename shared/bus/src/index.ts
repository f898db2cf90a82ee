export * from './bus.ts';
export * from './entry.ts';
export * from './envelope.ts';
export * from './keys.ts';
export * from './mesh-cache.ts';
export * from './replica.ts';
export * from './streams.ts';
export * from './subjects.ts';
