/** Nobody answers on this subject now. */
export class NobodyAnswers extends Error {
  readonly subject: string;
  constructor(subject: string, options?: ErrorOptions) {
    super(`NobodyAnswers: ${subject}`, options);
    this.subject = subject;
  }
}

/** Somebody answers on this subject, and did not in time. */
export class AnswerLate extends Error {
  readonly subject: string;
  readonly limitMs: number;
  constructor(subject: string, limitMs: number, options?: ErrorOptions) {
    super(`AnswerLate: ${subject}: no answer within ${limitMs} ms`, options);
    this.subject = subject;
    this.limitMs = limitMs;
  }
}

/** Who answers on this subject could not; `reason` is its own word, in one line. */
export class AnswerFailed extends Error {
  readonly subject: string;
  readonly reason: string;
  constructor(subject: string, reason: string) {
    super(`AnswerFailed: ${subject}: ${reason}`);
    this.subject = subject;
    this.reason = reason;
  }
}

/** An answerer's failure as it travels: its message in one line, as a header has to be. */
export function failureLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
}
