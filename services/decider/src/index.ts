export { type Decider, startDecider } from './decider.ts';
