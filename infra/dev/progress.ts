/** Steps on stderr, each with the seconds since the start: stdout is the command's alone. */
export class Progress {
  private readonly startMs = performance.now();

  readonly step = (line: string): void => {
    const seconds = ((performance.now() - this.startMs) / 1000).toFixed(1).padStart(5);
    process.stderr.write(`${seconds} s  ${line}\n`);
  };
}
