import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Words } from '../rules/words.ts';
import { runCommand } from './command.ts';

/** This machine, to be looked at: nothing on it is changed by way of this. */
export type Machine = {
  /** What a file says; undefined where there is none, as where the kernel lacks what it belongs to. */
  read(path: string): Promise<string | undefined>;
  /**
   * What a program prints.
   * @throws CommandFailed, CommandHung, CommandMissing
   */
  run(command: readonly string[], input?: Words): Promise<string>;
  /**
   * The same in one of Docker's network namespaces, by its file.
   * @throws CommandFailed where it is not there any more, or the program is missing; CommandHung
   */
  runIn(file: string, command: readonly string[]): Promise<string>;
  /** Folder of Docker's network namespaces. */
  readonly netnsDir: string;
};

/** As long as a command may take, milliseconds: less than who asks waits. */
const limitMs = 5_000;

export function createMachine({ netnsDir }: { readonly netnsDir: string }): Machine {
  const run: Machine['run'] = ([command = '', ...args], input) =>
    runCommand(command, args, { limitMs, ...(input === undefined ? {} : { input }) });
  return {
    netnsDir,
    read: (path) =>
      readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      }),
    run,
    runIn: (file, command) => run(['nsenter', `--net=${join(netnsDir, file)}`, '--', ...command]),
  };
}
