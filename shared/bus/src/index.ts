export * from './bus.ts';
export * from './keys.ts';
export * from './streams.ts';
export * from './subjects.ts';
