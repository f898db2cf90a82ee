/** What is said for people is at most so long, characters: a reader refuses more, and a sender cuts it. */
export const lengths = { name: 256, event: 256, why: 1024, reason: 4096, found: 256 } as const;
