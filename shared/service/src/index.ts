export * from './listen-address.ts';
export * from './run-service.ts';
export * from './service-context.ts';
export * from './settings.ts';
