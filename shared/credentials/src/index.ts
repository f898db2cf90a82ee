export * from './failures.ts';
export { CredentialsFolder, type ListedServer } from './folder.ts';
export { type Jsz, jszPath, leaderOf, notOnEach } from './jsz.ts';
export type { Registry, Server, User } from './registry.ts';
export type { ServerNews } from './reload.ts';
export { renderServerConfig, serverFiles, serverUrls } from './server-config.ts';
