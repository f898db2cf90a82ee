export { type Sentinel, startSentinel } from './sentinel.ts';
