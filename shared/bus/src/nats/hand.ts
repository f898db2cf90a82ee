/** Runs what whoever reads has given. What it throws is a fault of the program, and must not look like one of the bus. */
export function hand(work: () => void): void {
  try {
    work();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
