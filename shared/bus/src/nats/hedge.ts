/**
 * Asks for something that may be asked for several times: again after each `afterMs` without an answer, up to `most`
 * times. The first answer counts, and others that come in spite of it are given to `discard`. Rejects with the last
 * failure when all have failed.
 */
export function hedge<T>(
  ask: () => Promise<T>,
  { afterMs, most, discard }: { readonly afterMs: number; readonly most: number; readonly discard: (late: T) => void },
): Promise<T> {
  return new Promise((resolve, reject) => {
    let asked = 0;
    let failed = 0;
    let over = false;
    let timer: NodeJS.Timeout | undefined;
    const end = (settle: () => void) => {
      over = true;
      clearTimeout(timer);
      settle();
    };
    const askAgain = () => {
      asked++;
      timer = asked < most ? setTimeout(askAgain, afterMs) : undefined;
      ask().then(
        (answer) => (over ? discard(answer) : end(() => resolve(answer))),
        (error) => {
          failed++;
          // What fails is not asked again: others may still be under way.
          clearTimeout(timer);
          if (!over && failed === asked) end(() => reject(error));
        },
      );
    };
    askAgain();
  });
}
