import { patience } from '@fairway/cluster';

/**
 * Options of a service whose tasks say when they are ready. Without a health check a task is sent to as soon as its container
 * runs, and rules are there up to 50 ms before its shell has come to start the server: refused 0 to 5 times in 50 scalings, by
 * the task itself. Each look is three programs of Docker's that start: on an emulated machine four tasks' looks every half second
 * take both processors, until Docker's gossip takes nodes for failed.
 */
export const saysReady = [
  ...['--health-cmd', 'wget -q -O /dev/null http://127.0.0.1:8000/'],
  ...['--health-interval', `${500 * patience()}ms`],
];
