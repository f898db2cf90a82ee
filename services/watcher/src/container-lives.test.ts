import { expect, it } from 'vitest';
import { ContainerLives } from './container-lives.ts';
import type { ContainerLife } from './translate-container.ts';

const second = 1_000_000;
const at = (tick: number, state: ContainerLife) => ({ id: 'c1', task: 't1', service: 's1', state, tick });

/** The states that were taken, in order. */
function taken(...offered: [tick: number, state: ContainerLife, listed?: 'listed'][]): ContainerLife[] {
  const lives = new ContainerLives();
  return offered.flatMap(([tick, state, listed]) => lives.observe(at(tick, state), listed === 'listed')?.state ?? []);
}

it('goes from start to end', () => {
  expect(
    taken([1, 'starting'], [2, 'running'], [3, 'unhealthy'], [4, 'running'], [5, 'stopping'], [6, 'dead']),
  ).toEqual(['starting', 'running', 'unhealthy', 'running', 'stopping', 'dead']);
});

it('does not go back: to an older reading, to starting, or from the dead', () => {
  expect(taken([5, 'unhealthy'], [4, 'running'])).toEqual(['unhealthy']);
  expect(taken([1, 'running'], [2, 'starting'])).toEqual(['running']);
  expect(taken([1, 'dead'], [2, 'running'], [60 * second, 'running', 'listed'])).toEqual(['dead']);
});

it('being stopped, it runs again only where a listing says so long after', () => {
  expect(taken([1, 'stopping'], [40 * second, 'running'])).toEqual(['stopping']);
  expect(taken([1, 'stopping'], [20 * second, 'running', 'listed'])).toEqual(['stopping']);
  expect(taken([1, 'stopping'], [40 * second, 'running', 'listed'])).toEqual(['stopping', 'running']);
});

it('not well when it is told to stop, it stays so: it is not to be used where nobody else is left', () => {
  expect(taken([1, 'unhealthy'], [2, 'stopping'], [3, 'running'], [4, 'dead'])).toEqual(['unhealthy', 'dead']);
  expect(taken([1, 'starting'], [2, 'stopping'], [3, 'running'], [4, 'dead'])).toEqual(['starting', 'dead']);
  expect(taken([1, 'unhealthy'], [2, 'stopping'], [20 * second, 'running', 'listed'])).toEqual(['unhealthy']);
  expect(
    taken([1, 'unhealthy'], [2, 'stopping'], [9, 'unhealthy', 'listed'], [40 * second, 'running', 'listed']),
  ).toEqual(['unhealthy', 'running']);
});

it('a listing confirms the state as of its own time', () => {
  const lives = new ContainerLives();
  lives.observe(at(1, 'running'));
  expect(lives.observe(at(5, 'running'), true)).toBeUndefined();
  expect(lives.get('c1')?.tick).toBe(5);
  lives.observe(at(6, 'stopping'));
  lives.observe(at(9, 'stopping'), true);
  expect(lives.get('c1')?.tick).toBe(6);
});
