/** Exit statuses: done or converged; not converged, not in time, not well, or it could not be learned; wrong usage. */
export const statuses = { done: 0, notConverged: 1, usage: 2 } as const;
