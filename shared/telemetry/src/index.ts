export * from './log.ts';
export * from './span.ts';
export * from './span-names.ts';
export * from './trace.ts';
export * from './tracing.ts';
