import type { Duplex } from 'node:stream';

/** Size of this process's terminal, or of a usual one when it has none. */
export function terminalSize(): { rows: number; columns: number } {
  return { rows: process.stdout.rows ?? 24, columns: process.stdout.columns ?? 80 };
}

/**
 * Connects this process's terminal with the guest's: every key goes there, Ctrl-C too, and a change of size is said on
 * the line `control`. The end of an input that is no terminal is the guest's Ctrl-D.
 */
export function connectTerminal(line: Duplex, control: Duplex): { disconnect: () => void } {
  const { stdin, stdout } = process;
  const resize = () => {
    const { rows, columns } = terminalSize();
    control.write(`size ${rows} ${columns}\n`);
  };
  if (stdin.isTTY) stdin.setRawMode(true);
  line.pipe(stdout, { end: false });
  stdin.pipe(line, { end: false });
  stdin.once('end', () => line.write('\x04'));
  stdout.on('resize', resize);
  return {
    disconnect: () => {
      stdout.off('resize', resize);
      stdin.unpipe(line);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.destroy();
    },
  };
}
