export { listen, type Speaker } from './lines.ts';
export { type BadRequest, startTraffic, type Traffic } from './traffic.ts';
