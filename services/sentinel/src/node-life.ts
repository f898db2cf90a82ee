import { setup, transition } from 'xstate';

/**
 * What a node is to a sentinel. Silence raises a doubt and no more: only others who do not reach the node either take it
 * down, and only they and a steady beat bring it back.
 */
export type Life = 'up' | 'doubted' | 'unheard' | 'down' | 'returning' | 'tried';

const machine = setup({
  types: {} as {
    events: {
      type:
        | 'beat'
        /** Three beats are missing. */
        | 'silence'
        /** A while is over in which it beat without a gap, and its complete listing is in the mesh. */
        | 'steady'
        /** Peers were asked, and do not reach it. */
        | 'confirmed'
        /** Peers were asked, and reach it. */
        | 'refuted'
        /** There is nobody to ask, or nobody knows. */
        | 'unknown'
        /** Nobody knows, and they are to be asked once more before that counts. */
        | 'undecided'
        /** It is time to ask again. */
        | 'again'
        /** It has listed its containers in another life. */
        | 'listed'
        /** Another sentinel has put it on record. */
        | 'recorded.up'
        | 'recorded.down';
    };
  },
}).createMachine({
  id: 'node',
  initial: 'up',
  // Whoever sends to it serves a life as soon as it is listed: what was found of another one says nothing of this.
  on: { 'recorded.up': '.up', 'recorded.down': '.down', listed: '.up' },
  states: {
    up: { on: { silence: 'doubted' } },
    // Its peers are asked whether they reach it.
    doubted: { on: { beat: 'up', confirmed: 'down', refuted: 'unheard', unknown: 'unheard' } },
    // It keeps its traffic: either its data path answers, and only its beats are lost, or nobody could say.
    unheard: { on: { beat: 'up', again: 'doubted' } },
    down: { on: { beat: 'returning' } },
    returning: { on: { silence: 'down', steady: 'tried' } },
    // Its peers are asked whether they reach it again.
    tried: { on: { silence: 'down', confirmed: 'down', undecided: 'returning', refuted: 'up', unknown: 'up' } },
  },
});

export type LifeEvent = Parameters<typeof transition<typeof machine>>[2]['type'];

/** What the node is after the event. */
export function step(life: Life, event: LifeEvent): Life {
  const [after] = transition(machine, machine.resolveState({ value: life }), { type: event });
  return after.value as Life;
}

/** Whether the node is to get traffic. */
export function isServing(life: Life): boolean {
  return life === 'up' || life === 'doubted' || life === 'unheard';
}

/** Whether its peers have the word. */
export function isAskedAbout(life: Life): boolean {
  return life === 'doubted' || life === 'tried';
}
